"""What no schema checks: names, ports, selectors, rights, and the settings' own reader."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.chart.render import (
    NAMESPACE,
    SETS,
    Object,
    environment,
    objects,
    of,
    one,
    parse,
    pod_spec,
)
from tests.fakes.api_server import selects
from webhook import settings
from webhook.oci import registries
from webhook.tls.context import require_clients, server_context

PREFIX = "INITSHIM_"


@pytest.fixture(params=SETS, ids=lambda path: path.stem)
def found(request: pytest.FixtureRequest, helm: Path) -> list[Object]:
    return objects(helm, request.param)


@pytest.fixture
def chosen(found: list[Object], monkeypatch: pytest.MonkeyPatch) -> settings.Settings:
    """The settings as the webhook itself reads them from the rendered environment."""
    for name, value in environment(found).items():
        if name.startswith(PREFIX) and not name.endswith("S_FILE"):
            monkeypatch.setenv(name, value)
    return settings.load()


def labels_of(deployment: Object) -> dict[str, str]:
    labels: dict[str, str] = deployment["spec"]["template"]["metadata"]["labels"]
    return labels


def test_every_selector_selects_the_webhooks_pods_and_not_the_tests(found: list[Object]) -> None:
    deployment = one(found, "Deployment")
    selectors = [deployment["spec"]["selector"]["matchLabels"]]
    selectors += [service["spec"]["selector"] for service in of(found, "Service")]
    selectors += [
        each["spec"]["selector"]["matchLabels"] for each in of(found, "PodDisruptionBudget")
    ]
    selectors += [each["spec"]["podSelector"]["matchLabels"] for each in of(found, "NetworkPolicy")]
    spread = pod_spec(found)["topologySpreadConstraints"]
    selectors += [each["labelSelector"]["matchLabels"] for each in spread]
    test = one(found, "Pod")["metadata"]["labels"]
    for selector in selectors:
        assert selector.items() <= labels_of(deployment).items()
        assert not selector.items() <= test.items()


def test_the_service_monitor_finds_the_service_and_its_port(found: list[Object]) -> None:
    service = one(found, "Service")
    for monitor in of(found, "ServiceMonitor"):
        selector = monitor["spec"]["selector"]["matchLabels"]
        assert selector.items() <= service["metadata"]["labels"].items()
        names = {port["name"] for port in service["spec"]["ports"]}
        assert {endpoint["port"] for endpoint in monitor["spec"]["endpoints"]} <= names


def test_every_port_leads_to_where_the_webhook_listens(
    found: list[Object], chosen: settings.Settings
) -> None:
    container = pod_spec(found)["containers"][0]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"webhook": chosen.port, "http": chosen.http_port}
    service = {port["port"]: port["targetPort"] for port in one(found, "Service")["spec"]["ports"]}
    assert set(service.values()) == set(ports)
    called = one(found, "MutatingWebhookConfiguration")["webhooks"][0]["clientConfig"]["service"]
    assert service[called["port"]] == "webhook"
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] == "http"
    for policy in of(found, "NetworkPolicy"):
        allowed = {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
        assert allowed == set(ports)


def test_the_webhook_is_told_its_own_names(found: list[Object], chosen: settings.Settings) -> None:
    configuration = one(found, "MutatingWebhookConfiguration")
    service = configuration["webhooks"][0]["clientConfig"]["service"]
    assert chosen.webhook_name == configuration["metadata"]["name"]
    assert chosen.service_name == service["name"] == one(found, "Service")["metadata"]["name"]
    assert chosen.namespace == service["namespace"] == NAMESPACE
    if chosen.tls == "builtin":
        assert chosen.tls_secret == one(found, "Secret")["metadata"]["name"]


def test_every_setting_that_is_rendered_exists(found: list[Object]) -> None:
    names = {name for name in environment(found) if name.startswith(PREFIX)}
    assert names <= {PREFIX + field.upper() for field in settings.Settings.model_fields}


def test_the_files_are_read_by_their_own_readers(found: list[Object], tmp_path: Path) -> None:
    a_ca = tmp_path / "ca.crt"
    trustme.CA().cert_pem.write_to_path(str(a_ca))
    maps = of(found, "ConfigMap")
    grafanas = "grafana_dashboard"
    rendered = [each["data"] for each in maps if grafanas not in each["metadata"]["labels"]]
    folder = "/etc/initshim/config/"
    named = {value for value in environment(found).values() if value.startswith(folder)}
    assert named == {f"{folder}{name}" for data in rendered for name in data}
    for data in rendered:
        for name, content in data.items():
            file = tmp_path / name
            # The CA that it names is mounted in the pod only.
            file.write_text(content.replace("/etc/initshim/registry-ca/ca.crt", str(a_ca)))
            if name == "images.yaml":
                assert settings.image_map(file)
            elif name == "client-ca.crt":
                require_clients(server_context(), file)
            else:
                assert registries.load(file).knows("registry.internal:5000")


def test_every_volume_is_mounted_and_every_mount_has_its_volume(found: list[Object]) -> None:
    spec = pod_spec(found)
    volumes = {volume["name"] for volume in spec.get("volumes", ())}
    mounts = spec["containers"][0].get("volumeMounts", ())
    assert volumes == {mount["name"] for mount in mounts}
    paths = [mount["mountPath"] for mount in mounts]
    for name, value in environment(found).items():
        if value.startswith("/"):
            assert any(value.startswith(path) for path in paths), f"{name}={value} is not mounted"


def test_every_binding_gives_an_existing_role_to_the_webhooks_account(found: list[Object]) -> None:
    account = pod_spec(found)["serviceAccountName"]
    roles = {key(each) for each in [*of(found, "Role"), *of(found, "ClusterRole")]}
    bindings = [*of(found, "RoleBinding"), *of(found, "ClusterRoleBinding")]
    given = set()
    for binding in bindings:
        reference = binding["roleRef"]
        scope = binding["metadata"].get("namespace") if reference["kind"] == "Role" else None
        given.add((reference["kind"], scope, reference["name"]))
        (subject,) = binding["subjects"]
        assert subject == {"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}
    assert given == roles
    for made in of(found, "ServiceAccount"):
        assert made["metadata"]["name"] == account


def test_no_right_is_wider_than_its_use(found: list[Object], chosen: settings.Settings) -> None:
    """Issue 5, least privilege: its own Secret and configuration by name; the rest on demand."""
    names = {each["metadata"]["name"] for each in found}
    for role in [*of(found, "Role"), *of(found, "ClusterRole")]:
        for rule in role["rules"]:
            for part in ("apiGroups", "resources", "verbs"):
                assert "*" not in rule[part]
            assert not {"delete", "deletecollection", "watch", "escalate"} & set(rule["verbs"])
            if "resourceNames" in rule:
                assert set(rule["resourceNames"]) <= names
            elif "secrets" in rule["resources"]:
                assert rule["verbs"] == ["get"]
                assert chosen.pull_secrets
            elif rule["resources"] == ["nodes"]:
                assert rule["verbs"] == ["list"]
                assert chosen.delivery == "auto"
            elif rule["verbs"] == ["list"]:
                assert chosen.warm_up
            else:
                rights = (rule["resources"], rule["verbs"])
                events = (["events"], ["create", "patch"])
                assert rights in (events, (["replicasets"], ["get"]), (["jobs"], ["get"]))
                assert chosen.events


def test_the_warm_up_reads_the_namespaces_that_the_api_server_asks_about(
    found: list[Object], chosen: settings.Settings
) -> None:
    webhook = one(found, "MutatingWebhookConfiguration")["webhooks"][0]
    rules = webhook["namespaceSelector"]["matchExpressions"]
    values: dict[str, set[str | None]] = {rule["key"]: {None, "other"} for rule in rules}
    for rule in rules:
        values[rule["key"]] |= set(rule.get("values", ()))
    if chosen.warm_up:
        asked = set()
        for combination in itertools.product(*values.values()):
            given = zip(values, combination, strict=True)
            labels = {key: value for key, value in given if value is not None}
            expected = all(_holds(rule, labels) for rule in rules)
            assert selects(chosen.warm_up_namespaces, labels) is expected, labels
            asked.add(expected)
        assert asked == {True, False}


def _holds(rule: Object, labels: dict[str, str]) -> bool:
    """Tell whether one requirement of a label selector holds (k8s.io/apimachinery, labels)."""
    held = labels.get(rule["key"])
    inside = held in rule["values"] if "values" in rule else held is not None
    return inside is (rule["operator"] in {"In", "Exists"})


def test_who_writes_events_says_that_it_has_side_effects(
    found: list[Object], chosen: settings.Settings
) -> None:
    """An API server runs no dry run past a webhook with side effects in one."""
    (webhook,) = one(found, "MutatingWebhookConfiguration")["webhooks"]
    assert webhook["sideEffects"] == ("NoneOnDryRun" if chosen.events else "None")
    roles = {each["metadata"]["name"] for each in of(found, "ClusterRole")}
    assert any(name.endswith("-events") for name in roles) is chosen.events


def test_the_token_is_mounted_only_where_the_api_server_is_called(
    found: list[Object], chosen: settings.Settings
) -> None:
    calls = chosen.tls == "builtin" or chosen.pull_secrets or chosen.warm_up
    calls |= chosen.events or chosen.delivery == "auto"
    assert pod_spec(found)["automountServiceAccountToken"] is calls
    for account in of(found, "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False


def test_nodes_may_be_listed_where_they_decide(
    found: list[Object], chosen: settings.Settings
) -> None:
    roles = {each["metadata"]["name"] for each in of(found, "ClusterRole")}
    assert any(name.endswith("-nodes") for name in roles) is (chosen.delivery == "auto")


def test_no_secret_is_rendered(found: list[Object]) -> None:
    for secret in of(found, "Secret"):
        assert not {"data", "stringData"} & set(secret)


def test_only_a_ca_of_the_users_own_is_rendered(
    found: list[Object], chosen: settings.Settings
) -> None:
    """A rendered caBundle would take away what is published at run time, at every sync."""
    client = one(found, "MutatingWebhookConfiguration")["webhooks"][0]["clientConfig"]
    if chosen.tls == "builtin" or of(found, "Certificate"):
        assert "caBundle" not in client


def test_cert_manager_puts_its_certificate_where_the_webhook_reads_it(found: list[Object]) -> None:
    certificates = {each["metadata"]["name"]: each["spec"] for each in of(found, "Certificate")}
    issuers = {each["metadata"]["name"]: each["spec"] for each in of(found, "Issuer")}
    if not certificates:
        return
    configuration = one(found, "MutatingWebhookConfiguration")["metadata"]["annotations"]
    namespace, name = configuration["cert-manager.io/inject-ca-from"].split("/")
    assert namespace == NAMESPACE
    (tls,) = (v for v in pod_spec(found)["volumes"] if v["name"] == "tls")
    assert tls["secret"]["secretName"] == certificates[name]["secretName"]
    service = one(found, "Service")["metadata"]["name"]
    assert f"{service}.{NAMESPACE}.svc" in certificates[name]["dnsNames"]
    for certificate in certificates.values():
        issuer = certificate["issuerRef"]
        assert issuer["name"] in issuers or issuer["kind"] == "ClusterIssuer"
    for issuer in issuers.values():
        if "ca" in issuer:
            made = {each["secretName"] for each in certificates.values() if each.get("isCA")}
            assert issuer["ca"]["secretName"] in made


def test_every_pod_is_clean_under_pod_security_restricted(found: list[Object]) -> None:
    for spec in (pod_spec(found), one(found, "Pod")["spec"]):
        if not spec.get("hostNetwork"):
            assert violations(spec) == []
            # OpenShift gives the user id; asking for one would be refused there.
            assert "runAsUser" not in str(spec)
            assert "fsGroup" not in str(spec)


def test_the_root_is_read_only_and_disks_are_not_written(found: list[Object]) -> None:
    for spec in (pod_spec(found), one(found, "Pod")["spec"]):
        assert spec["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
        for volume in spec.get("volumes", ()):
            assert volume.get("emptyDir", {"medium": "Memory"})["medium"] == "Memory"


def test_the_autoscaler_alone_decides_where_it_is_on(found: list[Object]) -> None:
    scaled = [
        each["spec"]["scaleTargetRef"]["name"] for each in of(found, "HorizontalPodAutoscaler")
    ]
    deployment = one(found, "Deployment")
    assert ("replicas" in deployment["spec"]) is not bool(scaled)
    assert set(scaled) <= {deployment["metadata"]["name"]}


def test_the_pods_priority_class_exists(found: list[Object]) -> None:
    made = {each["metadata"]["name"] for each in of(found, "PriorityClass")}
    used = pod_spec(found).get("priorityClassName", "")
    assert made <= {used}
    assert used in made or used.startswith("system-") or not used


def test_namespaced_objects_name_their_namespace(found: list[Object]) -> None:
    cluster = {
        "ClusterRole",
        "ClusterRoleBinding",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "PriorityClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }
    for each in found:
        assert ("namespace" in each["metadata"]) is (each["kind"] not in cluster)


def test_a_changed_file_starts_new_pods(helm: Path) -> None:
    def checksum(host: str) -> str:
        found = objects(helm, None, "--set-json", f'registries={{"{host}":{{"lookup":"never"}}}}')
        annotations = one(found, "Deployment")["spec"]["template"]["metadata"]["annotations"]
        return str(annotations["checksum/config"])

    assert checksum("quay.io") == checksum("quay.io")
    assert checksum("quay.io") != checksum("docker.io")


def test_registries_may_be_the_files_text(helm: Path) -> None:
    text = "# ours\nquay.io: {lookup: never}\n"
    found = objects(helm, None, "--set-json", f"registries={json.dumps(text)}")
    content = one(found, "ConfigMap")["data"]["registries.yaml"]
    assert content.startswith("# ours\n")
    assert parse(content) == [{"quay.io": {"lookup": "never"}}]


def test_aks_is_told_to_leave_the_webhook_as_it_is(helm: Path) -> None:
    metadata = one(objects(helm, None, "--set", "platform=aks"), "MutatingWebhookConfiguration")[
        "metadata"
    ]
    assert metadata["labels"]["admissions.enforcer/disabled"] == "true"
    assert metadata["annotations"]["admissions.enforcer/disabled"] == "true"


def test_gke_gets_a_port_that_its_private_clusters_reach(helm: Path) -> None:
    assert environment(objects(helm, None, "--set", "platform=gke"))["INITSHIM_PORT"] == "10250"
    own = objects(helm, None, "--set", "platform=gke,port=9443")
    assert environment(own)["INITSHIM_PORT"] == "9443"


def test_the_network_policy_keeps_metadata_services_out_of_reach(helm: Path) -> None:
    """Semantics §2: a pod's author chooses the host that the webhook connects to."""
    policy = one(objects(helm), "NetworkPolicy")["spec"]
    dns, rest = policy["egress"]
    assert {port["port"] for port in dns["ports"]} == {53}
    four, six = (peer["ipBlock"] for peer in rest["to"])
    assert "169.254.0.0/16" in four["except"]
    assert "fe80::/10" in six["except"]
    assert not any(":" in cidr for cidr in four["except"])


def key(role: Object) -> tuple[str, str | None, str]:
    return (role["kind"], role["metadata"].get("namespace"), role["metadata"]["name"])


def violations(spec: dict[str, Any]) -> list[str]:
    """Pod Security `restricted`, rule by rule, for what a Linux pod can say."""
    wrong = [name for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    allowed = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "projected", "secret"}
    wrong += [str(v) for v in spec.get("volumes", ()) if not (set(v) - {"name"}) <= allowed]
    pod = spec.get("securityContext", {})
    for container in spec["containers"]:
        own = container.get("securityContext", {})
        both = pod | own
        if own.get("allowPrivilegeEscalation") is not False:
            wrong.append("allowPrivilegeEscalation")
        if own.get("capabilities", {}).get("drop") != ["ALL"] or "add" in own["capabilities"]:
            wrong.append("capabilities")
        if both.get("runAsNonRoot") is not True or both.get("runAsUser") == 0:
            wrong.append("runAsNonRoot")
        if both.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
            wrong.append("seccompProfile")
        wrong += [f"hostPort {p}" for p in container.get("ports", ()) if p.get("hostPort")]
        if own.get("privileged"):
            wrong.append("privileged")
    return wrong
