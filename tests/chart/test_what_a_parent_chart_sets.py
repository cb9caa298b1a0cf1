"""Values from around the chart: a parent chart's, and what clusters need of every chart."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.chart.kinds import problem
from tests.chart.render import (
    CHART,
    Object,
    Refused,
    objects,
    of,
    one,
    parse,
    pod_spec,
    run,
    text,
)

AROUND = Path(__file__).parent / "parents" / "everything-around.yaml"


@pytest.fixture
def found(helm: Path) -> list[Object]:
    return objects(helm, AROUND)


def test_a_parents_registry_and_pull_secrets_are_used_for_every_image(found: list[Object]) -> None:
    webhook, test = pod_spec(found), one(found, "Pod")["spec"]
    for spec in (webhook, test):
        container = spec["containers"][0]
        assert container["image"].startswith("mirror.example/initshim/webhook:")
        assert spec["imagePullSecrets"] == [{"name": "one"}, {"name": "two"}]
    environment = {each["name"]: each.get("value") for each in webhook["containers"][0]["env"]}
    assert environment["INITSHIM_REAPER_IMAGE"].startswith("mirror.example/initshim/reaper:")


def test_nothing_is_left_in_the_releases_namespace(found: list[Object]) -> None:
    ours = [each for each in found if each["metadata"]["name"].startswith("initshim")]
    namespaces = {each["metadata"].get("namespace", "elsewhere") for each in ours}
    texts = [each for each in ours if each["metadata"]["name"].endswith("-text")]
    assert len(texts) == 1
    assert namespaces == {"elsewhere"}
    for binding in (*of(found, "RoleBinding"), *of(found, "ClusterRoleBinding")):
        assert {each["namespace"] for each in binding["subjects"]} == {"elsewhere"}
    (webhook,) = one(found, "MutatingWebhookConfiguration")["webhooks"]
    assert webhook["clientConfig"]["service"]["namespace"] == "elsewhere"
    excluded = webhook["namespaceSelector"]["matchExpressions"][0]["values"]
    assert "elsewhere" in excluded
    (policy,) = of(found, "ValidatingAdmissionPolicy")
    assert ":elsewhere:" in policy["spec"]["matchConditions"][0]["expression"]


def test_every_object_has_the_common_annotations_and_keeps_its_own(found: list[Object]) -> None:
    for each in found:
        metadata = each["metadata"]
        if metadata["name"] in {"mine", "initshim-text"} or each["kind"] == "Pod":
            continue  # extra objects are as they were written, and helm's hook is no object to keep
        assert metadata["annotations"]["example.com/team"] == "platform", each["kind"]
    account = one(found, "ServiceAccount")["metadata"]["annotations"]
    assert account["example.com/role"] == "reader"
    webhook = one(found, "MutatingWebhookConfiguration")["metadata"]["annotations"]
    assert webhook["own"] == "yes"
    template = one(found, "Deployment")["spec"]["template"]["metadata"]["annotations"]
    assert template.keys() >= {"example.com/team", "checksum/config"}


def test_the_pods_are_as_they_were_asked_for(found: list[Object]) -> None:
    spec = pod_spec(found)
    container, beside = spec["containers"]
    assert beside == {"name": "refresh", "image": "refresh"}
    assert spec["initContainers"] == [{"name": "fetch", "image": "fetch"}]
    assert spec["hostAliases"] == [{"ip": "192.0.2.7", "hostnames": ["registry.example"]}]
    assert spec["dnsPolicy"] == "None"
    assert spec["dnsConfig"] == {"nameservers": ["192.0.2.53"]}
    assert spec["runtimeClassName"] == "gvisor"
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
        "fsGroup": 65532,
    }
    assert container["securityContext"]["privileged"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert [each["topologyKey"] for each in spec["topologySpreadConstraints"]] == [
        "example.com/rack"
    ]
    assert {"name": "helper", "emptyDir": {}} in spec["volumes"]
    assert {"name": "helper", "mountPath": "/helper", "readOnly": True} in container["volumeMounts"]
    environment = {each["name"]: each for each in container["env"]}
    assert environment["TOKEN"]["valueFrom"] == {"secretKeyRef": {"name": "s", "key": "k"}}
    assert container["envFrom"] == [{"secretRef": {"name": "more"}}]
    assert container["readinessProbe"]["periodSeconds"] == 9
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz?draining=ok", "port": "http"}
    deployment = one(found, "Deployment")["spec"]
    assert deployment["strategy"] == {"type": "Recreate"}
    assert deployment["revisionHistoryLimit"] == 0


def test_service_account_and_autoscaler_are_as_they_were_asked_for(found: list[Object]) -> None:
    service = one(found, "Service")
    assert service["metadata"]["labels"]["example.com/lan"] == "one"
    assert service["spec"]["ipFamilyPolicy"] == "PreferDualStack"
    assert service["spec"]["ipFamilies"] == ["IPv6", "IPv4"]
    assert one(found, "ServiceAccount")["metadata"]["labels"]["example.com/identity"] == "on"
    scaler = one(found, "HorizontalPodAutoscaler")["spec"]
    assert scaler["behavior"] == {"scaleDown": {"stabilizationWindowSeconds": 600}}


def test_a_drain_must_leave_what_was_asked_for(found: list[Object], helm: Path) -> None:
    budget = one(found, "PodDisruptionBudget")["spec"]
    assert budget["minAvailable"] == "50%"
    assert "maxUnavailable" not in budget
    assert one(objects(helm), "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


def test_the_pod_monitor_reads_the_pods_port(found: list[Object]) -> None:
    monitor = one(found, "PodMonitor")["spec"]
    template = one(found, "Deployment")["spec"]["template"]
    assert monitor["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    assert monitor["namespaceSelector"] == {"matchNames": ["elsewhere"]}
    (endpoint,) = monitor["podMetricsEndpoints"]
    ports = {port["name"] for port in template["spec"]["containers"][0]["ports"]}
    assert endpoint["port"] in ports
    assert endpoint["relabelings"] == [{"action": "labeldrop", "regex": "pod"}]
    assert (endpoint["interval"], endpoint["scrapeTimeout"]) == ("15s", "5s")


def test_the_object_selector_reaches_the_api_server(found: list[Object]) -> None:
    (webhook,) = one(found, "MutatingWebhookConfiguration")["webhooks"]
    assert webhook["objectSelector"] == {"matchLabels": {"example.com/kind": "app"}}


def test_extra_objects_are_templates(found: list[Object]) -> None:
    extra = {each["metadata"]["name"]: each for each in of(found, "ConfigMap")}
    assert extra["mine"]["data"] == {"of": "initshim"}
    assert "initshim-text" in extra


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ("env.A.value=1", "valueFrom"),
    ],
)
def test_what_can_not_be_meant_is_refused(helm: Path, values: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        text(helm, None, "--set", values)


def test_a_parent_chart_can_have_it_as_a_dependency(helm: Path, tmp_path: Path) -> None:
    parent = tmp_path / "platform"
    (parent / "charts").mkdir(parents=True)
    (parent / "charts" / "initshim").symlink_to(CHART)
    (parent / "Chart.yaml").write_text(
        "apiVersion: v2\nname: platform\nversion: 1.0.0\n"
        "dependencies: [{name: initshim, version: '*', condition: initshim.enabled}]\n"
    )
    (parent / "values.yaml").write_text(
        "global: {imageRegistry: mirror.example}\ninitshim: {enabled: true, replicas: 3}\n"
    )
    rendered = parse(run(helm, "template", "p", str(parent), "--kube-version", "1.37.0"))
    assert one(rendered, "Deployment")["spec"]["replicas"] == 3
    image = pod_spec(rendered)["containers"][0]["image"]
    assert image.startswith("mirror.example/")
    without = run(helm, "template", "p", str(parent), "--set", "initshim.enabled=false")
    assert parse(without) == []


def test_helm_lints_it_and_kubernetes_knows_every_field(helm: Path, found: list[Object]) -> None:
    assert run(helm, "lint", "--strict", "--values", str(AROUND), str(CHART))
    ours = [each for each in found if each["kind"] != "PodMonitor"]
    assert [said for each in ours if (said := problem(json.dumps(each), "1.37.0"))] == []


def test_null_says_as_much_as_empty(helm: Path, tmp_path: Path) -> None:
    """`podLabels:` with nothing behind it: what is left where all below it is commented out."""
    empty = dict(_empty(yaml.safe_load((CHART / "values.yaml").read_text())))
    assert len(empty) > 40
    rendered = []
    for number, values in enumerate((empty, dict.fromkeys(empty))):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps(_nested(values)))
        # To the webhook, a variable that is empty is one that isn't set, and off.
        rendered.append(text(helm, file).replace('value: "false"', 'value: ""'))
    assert rendered[0] == rendered[1]


def _empty(values: Object, before: str = "") -> Iterator[tuple[str, object]]:
    """Give the path of each list, and of each mapping and switch that is empty or off already."""
    for key, value in values.items():
        if key in {"probes", "podSecurityContext", "securityContext"}:
            continue  # Kubernetes' own: null takes a default of the chart away, empty keeps it
        if isinstance(value, dict) and value:
            yield from _empty(value, f"{before}{key}.")
        elif isinstance(value, list | dict) or value is False:
            kind: type[object] = type(value)
            yield f"{before}{key}", kind()


def _nested(values: Object) -> Object:
    root: Object = {}
    for path, value in values.items():
        *groups, name = path.split(".")
        place = root
        for group in groups:
            place = place.setdefault(group, {})
        place[name] = value
    return root
