"""Doctor against an installation as deploy/ makes it, broken in one way at a time."""

import asyncio
import base64
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import yaml

from tests.fakes.api_server import Refusal, Rule
from tests.fakes.cluster import spec, wrapped
from tests.unit.cli.doctor.cluster import (
    BUDGET,
    DEPLOYMENT,
    NOW,
    POLICY,
    ROOT,
    SECRET,
    SERVICE,
    SHOP,
    SLICE,
    WEBHOOK,
    Installed,
    installed,
    workload,
)
from webhook.cli.doctor.diagnose import diagnose
from webhook.cli.doctor.finding import EXIT_CODES, Finding, Severity, worst
from webhook.core.mutation import Delivery
from webhook.kube.client import KubeClient
from webhook.kube.connect import Connection
from webhook.kube.errors import Forbidden
from webhook.server.metrics import Metrics
from webhook.settings import load
from webhook.tls import issue

Ill = Callable[[Installed], Any]


@pytest.fixture
def cluster() -> Iterator[tuple[Installed, str]]:
    with installed() as found:
        yield found


def found(
    cluster: tuple[Installed, str],
    *,
    namespace: str | None = None,
    webhook: str | None = None,
    seconds: float = 60,
) -> list[Finding]:
    async def nobody() -> None:
        return None

    async def run() -> list[Finding]:
        async with KubeClient(
            Connection(cluster[1], ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), nobody)
        ) as client:
            return await diagnose(
                client, load(), webhook=webhook, namespace=namespace, seconds=seconds, now=NOW
            )

    return asyncio.run(run())


def bad(findings: list[Finding]) -> list[Finding]:
    return [each for each in findings if each.severity not in {Severity.OK, Severity.INFO}]


OLD = {"kubeletVersion": "v1.34.1", "containerRuntimeVersion": "containerd://2.4.2"}
NEW = {"kubeletVersion": "v1.36.1", "containerRuntimeVersion": "containerd://2.4.2"}


@pytest.mark.parametrize(
    ("delivery", "nodes", "severity", "said"),
    [
        ("auto", {"a": NEW, "b": NEW}, Severity.OK, "all 2 report"),
        ("auto", {"a": NEW, "b": OLD}, Severity.INFO, "1 of 2"),
        ("auto", {}, Severity.INFO, "no Linux node"),
        ("imageVolume", {"a": NEW, "b": OLD}, Severity.ERROR, "(b: its kubelet is v1.34.1)"),
        ("imageVolume", {"a": NEW}, Severity.OK, "all 1 report"),
        ("auto", {f"n{at}": OLD for at in range(7)}, Severity.INFO, "; and 2 more)"),
    ],
)
def test_nodes_that_keep_pods_from_image_volumes_are_named(
    cluster: tuple[Installed, str],
    delivery: str,
    nodes: dict[str, dict[str, str]],
    severity: Severity,
    said: str,
) -> None:
    there = cluster[0]
    env = "spec__template__spec__containers__0__env"
    listed = there.server.objects[DEPLOYMENT]["spec"]["template"]["spec"]["containers"][0]["env"]
    kept = [each for each in listed if each["name"] != "INITSHIM_DELIVERY"]
    there.change(DEPLOYMENT, **{env: [*kept, {"name": "INITSHIM_DELIVERY", "value": delivery}]})
    for name, info in nodes.items():
        there.server.put(f"/api/v1/nodes/{name}", {"status": {"nodeInfo": info}})
    [finding] = [each for each in found(cluster) if each.check == "nodes"]
    assert (finding.severity, said in finding.what) == (severity, True)
    assert finding.remedy or severity is Severity.OK


def test_a_healthy_installation_has_nothing_wrong(cluster: tuple[Installed, str]) -> None:
    findings = found(cluster)
    assert bad(findings) == []
    assert {each.check for each in findings} == {
        "configuration",
        "pods",
        "service",
        "certificate",
        "rehearsal",
        "rights",
        "registries",
        "versions",
    }
    assert EXIT_CODES[worst(findings)] == 0


def test_it_writes_nothing(cluster: tuple[Installed, str]) -> None:
    before = dict(cluster[0].server.objects)
    found(cluster)
    assert cluster[0].server.objects == before
    writes = {line for line in cluster[0].server.log if not line.startswith("GET")}
    assert writes == {
        "POST /api/v1/namespaces/shop/pods",  # dryRun=All
        "POST /apis/authorization.k8s.io/v1/subjectaccessreviews",
        f"PATCH {WEBHOOK}",  # dryRun=All
    }


def unlabel(cluster: Installed) -> None:
    cluster.server.put(SHOP, {"metadata": {"labels": {"kubernetes.io/metadata.name": "shop"}}})


def second(cluster: Installed) -> None:
    cluster.server.put(WEBHOOK + "-2", cluster.server.objects[WEBHOOK] | {"metadata": {}})


def rules_of_aks(cluster: Installed) -> None:
    rules = cluster.server.objects[WEBHOOK]["webhooks"][0]["namespaceSelector"]["matchExpressions"]
    enforced = {"key": "control-plane", "operator": "DoesNotExist"}
    cluster.change(
        WEBHOOK,
        webhooks__0__namespaceSelector__matchExpressions=[*rules, enforced],
        metadata__managedFields=[
            {
                "manager": "admissionsenforcer",
                "fieldsV1": {"f:webhooks": {"f:namespaceSelector": {}}},
            }
        ],
    )


def expired(cluster: Installed) -> None:
    old = issue.authority(now=NOW - timedelta(days=800), life=timedelta(days=730))
    encoded = base64.b64encode(old.chain).decode()
    cluster.change(WEBHOOK, webhooks__0__clientConfig__caBundle=encoded)


def another_ca(cluster: Installed) -> None:
    other = issue.authority(now=NOW, life=timedelta(days=730))
    cluster.change(SECRET, data={"ca.crt": base64.b64encode(other.chain).decode()})


def soon(cluster: Installed) -> None:
    ca = issue.authority(now=NOW, life=timedelta(days=20))
    encoded = base64.b64encode(ca.chain).decode()
    cluster.change(WEBHOOK, webhooks__0__clientConfig__caBundle=encoded)
    cluster.change(SECRET, data={"ca.crt": encoded})


def setting(name: str, value: str) -> Ill:
    def change(cluster: Installed) -> None:
        env = cluster.server.objects[DEPLOYMENT]["spec"]["template"]["spec"]["containers"][0]["env"]
        kept = [each for each in env if each["name"] != f"INITSHIM_{name}"]
        new = {"name": f"INITSHIM_{name}", "value": value}
        cluster.change(DEPLOYMENT, spec__template__spec__containers__0__env=[*kept, new])

    return change


def without_role(cluster: Installed) -> None:
    cluster.documents[:] = [each for each in cluster.documents if each["kind"] != "RoleBinding"]


def administrator(cluster: Installed) -> None:
    cluster.server.may = lambda _: True


def crashing(cluster: Installed) -> None:
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting"}
    labels = cluster.server.objects[SERVICE]["spec"]["selector"]
    cluster.server.put(
        "/api/v1/namespaces/initshim/pods/initshim-x",
        {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "webhook", "image": "a"}]},
            "status": {"containerStatuses": [{"state": {"waiting": waiting}}]},
        },
    )


ILLS: list[tuple[Ill, str, str, str, str]] = [
    # what is done to it, then: severity, object, words of the finding, words of the remedy
    (unlabel, "warning", "MutatingWebhook", "none of 4 namespaces", "kubectl label namespace"),
    (second, "warning", "MutatingWebhook", "2 of them", "kubectl delete mutatingwebhook"),
    (rules_of_aks, "warning", "MutatingWebhook", "written by admissionsenforcer", "platform=aks"),
    (
        lambda c: c.change(WEBHOOK, webhooks__0__rules=[]),
        "error", "MutatingWebhook", "never called", "helm",
    ),
    (
        lambda c: c.change(WEBHOOK, webhooks__0__objectSelector={"matchLabels": {"a": "b"}}),
        "warning", "MutatingWebhook", "objectSelector", "helm",
    ),
    (
        setting("EVENTS", "true"),
        "warning", "MutatingWebhook", "sideEffects: None", "events.enabled",
    ),
    (
        lambda c: c.change(
            SHOP.replace("shop", "initshim"),
            metadata__labels={
                "kubernetes.io/metadata.name": "initshim",
                "initshim.dev/inject": "enabled",
            },
        ),
        "warning", "Namespace initshim", "not selected", "kubectl get mutating",
    ),
    (
        lambda c: c.change(SHOP, metadata__labels={"initshim.dev/inject": "Yes"}),
        "warning", "Namespace shop", "inject=Yes, which says nothing", "inject=enabled",
    ),
    (lambda c: c.server.delete(SERVICE), "error", "Service initshim/initshim", "not exist", "helm"),
    (
        lambda c: c.change(WEBHOOK, webhooks__0__clientConfig__service__port=8443),
        "error", "Service", "calls port 8443; it has 443, 8080", "helm",
    ),
    (
        lambda c: c.change(SLICE, endpoints=[{"conditions": {"ready": False}}]),
        "error", "Service", "none of 1 endpoints is ready", "kubectl -n initshim describe pods -l",
    ),
    (
        lambda c: c.change(DEPLOYMENT, status={"readyReplicas": 1, "updatedReplicas": 2}),
        "warning", "Deployment", "1 of 2 replicas ready", "rollout status",
    ),
    (
        lambda c: c.change(DEPLOYMENT, status={}),
        "error", "Deployment", "none of 2 replicas is ready", "logs deployment/initshim",
    ),
    (crashing, "warning", "Pod initshim/initshim-x", "CrashLoopBackOff: back-off", "--previous"),
    (
        lambda c: c.change(WEBHOOK, webhooks__0__clientConfig={"service": {
            "name": "initshim", "namespace": "initshim", "port": 443}}),
        "error", "MutatingWebhook", "caBundle is empty", "logs deployment/initshim",
    ),
    (expired, "error", "MutatingWebhook", "has expired", "rollout restart deployment/initshim"),
    (soon, "warning", "MutatingWebhook", "expires in 20 days", "rollout restart"),
    (another_ca, "error", "Secret initshim/initshim-ca", "not in caBundle", "rollout restart"),
    (lambda c: c.server.delete(SECRET), "error", "Secret", "not exist", "rollout restart"),
    (without_role, "error", "ServiceAccount", "may not get secrets/initshim-ca", "rbac.create"),
    (administrator, "warning", "ServiceAccount", "may do everything", "clusterrolebindings"),
    (setting("DELIVERY", "imageVolume"), "ok", "Kubernetes", "v1.36.1", ""),
    (
        setting("REAPER_IMAGE", "ghcr.io/initshim/reaper:0.0.9"),
        "warning", "ghcr.io/initshim/reaper:0.0.9", "the webhook 0.1.0", "reaperImage.tag",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("ill", "severity", "about", "words", "remedy"), ILLS, ids=[f"{e[1]}-{e[3][:24]}" for e in ILLS]
)
def test_each_ill_is_found_and_has_its_remedy(
    cluster: tuple[Installed, str], ill: Ill, severity: str, about: str, words: str, remedy: str
) -> None:
    ill(cluster[0])
    matching = [
        each
        for each in found(cluster)
        if each.severity == severity and each.object.startswith(about) and words in each.what
    ]
    assert len(matching) == 1
    assert remedy in matching[0].remedy


def rehearsed(cluster: tuple[Installed, str], **options: Any) -> Finding:
    (one,) = (each for each in found(cluster, **options) if each.check == "rehearsal")
    return one


def test_a_webhook_that_fails_is_told_though_ignore_hides_it(
    cluster: tuple[Installed, str],
) -> None:
    """Semantics §6: GKE's private clusters let the API server reach 443 and 10250 only."""
    cluster[0].failure = "context deadline exceeded"
    one = rehearsed(cluster)
    assert (one.severity, "got no answer" in one.what) == ("error", True)
    assert "8443" not in one.what
    service = "/api/v1/namespaces/initshim/services/https:initshim:443/proxy/mutate"
    assert f"GET {service}" in cluster[0].server.log
    assert "get pods,endpointslices" in one.remedy  # the proxy said that there are none

    def hang(_method: str, path: str) -> None:
        if path == service:
            raise Refusal(503, "ServiceUnavailable", "error trying to reach service: i/o timeout")

    cluster[0].server.interfere = hang
    one = rehearsed(cluster)
    assert "i/o timeout" in one.what
    assert "port=10250" in one.remedy


def answer(_method: str, path: str) -> None:
    """Answer a GET of /mutate through the API server's proxy as the webhook does."""
    if path.endswith("/proxy/mutate"):
        raise Refusal(405, "MethodNotAllowed", "Method Not Allowed")


def test_a_webhook_that_answers_and_is_not_trusted_is_told(cluster: tuple[Installed, str]) -> None:
    cluster[0].failure = "x509: certificate signed by unknown authority"
    cluster[0].server.interfere = answer
    assert "look at its certificate" in rehearsed(cluster).remedy


def test_a_webhook_that_is_not_called_is_told(cluster: tuple[Installed, str]) -> None:
    cluster[0].server.admit = lambda _, given: (given, [])
    cluster[0].server.interfere = answer
    cluster[0].answered = 9
    cluster[0]._count()
    assert "did not call the webhook" in rehearsed(cluster).what


def test_without_the_api_servers_metrics_both_are_possible(cluster: tuple[Installed, str]) -> None:
    cluster[0].server.admit = lambda _, given: (given, [])
    del cluster[0].server.texts["/metrics"]
    cluster[0].server.interfere = answer
    one = rehearsed(cluster)
    assert "only the API server's metrics tell" in one.what
    assert "kubectl get --raw /metrics" in one.remedy


@pytest.mark.parametrize(
    ("failure", "remedy"),
    [
        ('Post "https://initshim.initshim.svc:443/mutate": context deadline exceeded', "10250"),
        ("tls: failed to verify certificate: x509: unknown authority", "rollout restart"),
        ('no endpoints available for service "initshim"', "get pods,endpointslices"),
    ],
)
def test_under_fail_the_api_server_says_why(
    cluster: tuple[Installed, str], failure: str, remedy: str
) -> None:
    cluster[0].change(WEBHOOK, webhooks__0__failurePolicy="Fail")
    cluster[0].failure = failure
    one = rehearsed(cluster)
    assert one.severity == "error"
    assert failure in one.what
    assert remedy in one.remedy


def test_a_webhook_that_leaves_the_pod_alone_is_quoted(cluster: tuple[Installed, str]) -> None:
    said = "initshim left the pod alone: it failed at it; its log has the error"
    cluster[0].server.admit = lambda _, given: (given, [said])
    one = rehearsed(cluster)
    assert said in one.what
    assert "logs deployment/initshim" in one.remedy


def test_a_quota_is_not_the_webhooks_fault(cluster: tuple[Installed, str]) -> None:
    def refuse(_path: str, _given: Any) -> Any:
        raise Refusal(403, "Forbidden", 'pods "initshim-doctor" is forbidden: exceeded quota: q')

    cluster[0].server.admit = refuse
    one = rehearsed(cluster)
    assert (one.severity, "exceeded quota" in one.what) == ("unknown", True)
    assert "--namespace" in one.remedy


def test_nobody_rehearses_where_nobody_is_asked(cluster: tuple[Installed, str]) -> None:
    one = rehearsed(cluster, namespace="default")
    assert one.severity == "warning"
    assert "kubectl label namespace default" in one.remedy
    assert not any("default/pods" in line for line in cluster[0].server.log)


LEAVING = {
    "deletionTimestamp": "2026-11-26T11:59:00Z",
    "labels": {"initshim.dev/inject": "enabled"},
}


def test_a_namespace_that_is_being_deleted_is_no_place_to_look(
    cluster: tuple[Installed, str],
) -> None:
    there = cluster[0]
    before = found(cluster)
    wishing = {**LEAVING, "labels": {"initshim.dev/inject": "enable"}}
    there.server.put("/api/v1/namespaces/aaa", {"metadata": LEAVING})
    there.server.put("/api/v1/namespaces/bbb", {"metadata": wishing})
    path, deployment = workload("left", "docker.io/shop/private:1")
    there.server.put(path.replace("/shop/", "/aaa/"), deployment)
    assert found(cluster) == before


@pytest.mark.parametrize(
    ("name", "said", "remedy"),
    [
        ("aaa", "the namespace is being deleted, so it takes no pod", "--namespace NAME"),
        ("nowhere", "there is no such namespace", "kubectl get namespaces"),
        ("default", "the namespace is not selected, so no pod in it is wrapped", "label namespace"),
    ],
)
def test_a_namespace_that_takes_no_pod_is_told_from_one_without_the_label(
    cluster: tuple[Installed, str], name: str, said: str, remedy: str
) -> None:
    cluster[0].server.put("/api/v1/namespaces/aaa", {"metadata": LEAVING})
    one = rehearsed(cluster, namespace=name)
    assert (one.severity, one.what) == ("warning", said)
    assert remedy in one.remedy
    assert not any(f"{name}/pods" in line for line in cluster[0].server.log)


def registries(cluster: tuple[Installed, str]) -> dict[str, Finding]:
    return {
        each.object.partition(" ")[0]: each for each in found(cluster) if each.check == "registries"
    }


def test_each_registry_is_asked_through_the_webhook_as_the_pod(
    cluster: tuple[Installed, str],
) -> None:
    server = cluster[0].server
    for path, made in (
        workload("a", "quay.io/team/app:1", "quay.io/team/other:1"),
        workload("b", "127.0.0.1:1/private:1", imagePullSecrets=[{"name": "pull"}]),
    ):
        server.put(path, made)
    asked = registries(cluster)
    assert asked["quay.io"].severity == "ok"
    assert asked["quay.io"].object == "quay.io (2 containers)"
    private = asked["127.0.0.1:1"]
    assert private.severity == "warning"
    assert "(unauthorized)" in private.what
    assert "from here the registry can't be reached" in private.what
    assert "registry.pullSecretNamespaces={shop}" in private.remedy


def test_a_webhook_that_denies_says_why(cluster: tuple[Installed, str]) -> None:
    cluster[0].deny = True
    cluster[0].server.put(*workload("b", "127.0.0.1:1/private:1"))
    assert "(unauthorized)" in registries(cluster)["127.0.0.1:1"].what


def test_from_here_alone_it_says_that_this_is_another_network(
    cluster: tuple[Installed, str],
) -> None:
    cluster[0].server.admit = lambda _, given: (given, [])
    cluster[0].server.put(*workload("b", "127.0.0.1:1/app:1"))
    assert "not the webhook's network" in registries(cluster)["127.0.0.1:1"].what


def test_lookups_that_are_off_ask_nobody(cluster: tuple[Installed, str]) -> None:
    setting("LOOKUPS", "false")(cluster[0])
    assert "lookups are off" in registries(cluster)["Workloads"].what


def test_what_may_not_be_read_is_unknown_with_the_right_that_is_missing(
    cluster: tuple[Installed, str],
) -> None:
    cluster[0].server.rules = {Rule("get", "mutatingwebhookconfigurations")}
    findings = found(cluster, webhook="initshim", namespace="shop")
    assert worst(findings) is Severity.UNKNOWN
    assert EXIT_CODES[worst(findings)] == 3
    unknown = [each for each in findings if each.severity is Severity.UNKNOWN]
    granted = " ".join(each.remedy for each in unknown)
    for right in ("namespaces", "services", "deployments.apps", "pods"):
        assert f"on {right}" in granted, right
    checks = {"configuration", "service", "rehearsal", "rights"}
    assert {each.check for each in unknown} >= checks


def test_who_may_not_ask_for_others_rights_is_told_which_right_that_takes(
    cluster: tuple[Installed, str],
) -> None:
    def refuse(_method: str, path: str) -> None:
        if path.endswith("/subjectaccessreviews"):
            raise Refusal(403, "Forbidden", "cannot create resource subjectaccessreviews")

    cluster[0].server.interfere = refuse
    one = next(each for each in found(cluster) if each.check == "rights")
    assert one.severity is Severity.UNKNOWN
    assert "Grant the verb 'create' on subjectaccessreviews.authorization.k8s.io" in one.remedy


def test_an_account_that_may_change_the_rules_is_warned_of(
    cluster: tuple[Installed, str],
) -> None:
    assert any("caBundle alone" in each.what for each in found(cluster))
    cluster[0].server.delete(POLICY)
    (one,) = bad(found(cluster))
    assert (one.check, one.severity) == ("rights", Severity.WARNING)
    assert "every object of the cluster" in one.what
    assert "rbac.caBundlePolicy=true" in one.remedy


def test_who_may_not_take_its_place_is_told_which_right_that_takes(
    cluster: tuple[Installed, str],
) -> None:
    cluster[0].server.rules = {each for each in documented() if each.verb != "impersonate"}
    (one,) = bad(found(cluster))
    assert one.severity is Severity.UNKNOWN
    assert "impersonate" in one.remedy


def test_an_account_that_changes_nothing_is_not_tried(cluster: tuple[Installed, str]) -> None:
    given = {"TLS": "files", "TLS_CERT_FILE": "/tls/tls.crt", "TLS_KEY_FILE": "/tls/tls.key"}
    for name, value in given.items():
        setting(name, value)(cluster[0])
    found(cluster)
    assert f"PATCH {WEBHOOK}" not in cluster[0].server.log


def test_who_may_not_even_list_configurations_is_told_to_name_one(
    cluster: tuple[Installed, str],
) -> None:
    cluster[0].server.rules = set()
    with pytest.raises(Forbidden) as caught:
        found(cluster)
    assert "--webhook initshim" in caught.value.next_step


def test_where_it_is_not_installed_the_remedy_is_to_install_it(
    cluster: tuple[Installed, str],
) -> None:
    cluster[0].server.delete(WEBHOOK)
    (one,) = found(cluster)
    assert one.severity is Severity.ERROR
    assert one.remedy.startswith("helm install initshim")


def test_a_time_that_is_too_short_is_no_crash(cluster: tuple[Installed, str]) -> None:
    def hang(_method: str, path: str) -> None:
        if path.endswith("endpointslices"):
            time.sleep(1.5)

    cluster[0].server.interfere = hang
    findings = found(cluster, seconds=1)
    service = [each for each in findings if each.check == "service"]
    assert [each.severity for each in service] == [Severity.UNKNOWN]
    assert "--timeout" in service[0].remedy


def test_no_budget_is_worth_knowing(cluster: tuple[Installed, str]) -> None:
    cluster[0].server.delete(BUDGET)
    (one,) = (each for each in found(cluster) if "may take all its pods" in each.what)
    assert one.severity is Severity.INFO


def documented() -> set[Rule]:
    """The rights that docs/doctor.md gives to who runs it."""
    text = (ROOT / "docs" / "doctor.md").read_text().partition("```yaml\n")[2].partition("```")[0]
    return {
        Rule(verb, resource, name)
        for role in yaml.safe_load_all(text)
        for rule in role["rules"]
        for verb in rule["verbs"]
        for resource in rule.get("resources", ["metrics"])
        for name in rule.get("resourceNames", [None])
    }


def test_the_documented_rights_are_all_that_it_takes(cluster: tuple[Installed, str]) -> None:
    cluster[0].server.rules = documented()
    cluster[0].server.put(*workload("a", "quay.io/team/app:1"))
    assert bad(found(cluster)) == []
    cluster[0].failure = "context deadline exceeded"
    assert rehearsed(cluster).severity == "error"


@pytest.fixture(scope="module")
def failing() -> Iterator[tuple[Installed, str]]:
    """A cluster whose webhook does not answer, where every right has something to tell of."""
    with installed() as made:
        made[0].server.put(*workload("a", "quay.io/team/app:1"))
        made[0].failure = "context deadline exceeded"
        made[0].server.interfere = lambda *_: None
        yield made


@pytest.fixture(scope="module")
def told(failing: tuple[Installed, str]) -> list[Finding]:
    """What is found there with all of the rights."""
    failing[0].server.rules = documented()
    return found(failing)


@pytest.mark.slow
def test_asked_again_it_tells_the_same(failing: tuple[Installed, str], told: list[Finding]) -> None:
    failing[0].server.rules = documented()
    assert found(failing) == told


@pytest.mark.slow
@pytest.mark.parametrize("right", sorted(documented(), key=str), ids=str)
def test_none_of_them_is_idle(
    failing: tuple[Installed, str], told: list[Finding], right: Rule
) -> None:
    """Without any one of them something is unknown, or told with less certainty."""
    failing[0].server.rules = documented() - {right}
    try:
        assert found(failing) != told
    except Forbidden:
        assert right.verb == "list"


def test_from_outside_a_replica_is_asked_until_when_its_leaf_is_valid(
    cluster: tuple[Installed, str],
) -> None:
    path = "/api/v1/namespaces/initshim/services/http:initshim:8080/proxy/metrics"
    ends = {
        "leaf": (NOW + timedelta(days=6)).timestamp(),
        "authority": (NOW + timedelta(days=600)).timestamp(),
    }
    metrics = Metrics("1.0.0")
    metrics.watch_certificate(lambda: ends)
    cluster[0].server.texts[path] = metrics.exposition()[0].decode()
    (one,) = (each for each in found(cluster) if "a replica says" in each.what)
    assert (one.severity, one.what) == (
        "ok",
        "a replica says that its leaf is valid for 6 days",
    )


def pending(**status: Any) -> tuple[str, Any]:
    """A wrapped pod that has not started, and its path."""
    pod = wrapped({"spec": spec()}, Delivery("r.io/reaper:1", "1"))
    (init,) = pod["spec"]["initContainers"]
    named = {"name": init["name"], "image": init["image"], "imageID": "", "ready": False}
    return "/api/v1/namespaces/shop/pods/web-1", {
        **pod,
        "status": {"phase": "Pending", "initContainerStatuses": [{**named, **status}]},
    }


@pytest.mark.parametrize(
    ("state", "words", "remedy"),
    [
        (
            {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling"}},
            "the reaper's image r.io/reaper:1 can't be pulled (ImagePullBackOff): Back-off",
            "chart's reaperImage",
        ),
        (
            {"terminated": {"exitCode": 126, "reason": "Error"}},
            "the init container initshim fails (exit code 126)",
            "kubectl -n shop logs web-10 -c initshim",
        ),
        ({"waiting": {"reason": "CreateContainerError"}}, "(CreateContainerError)", "logs web-10"),
    ],
)
def test_pods_that_wait_for_the_reaper_are_said_once_a_cause(
    cluster: tuple[Installed, str], state: Any, words: str, remedy: str
) -> None:
    path, pod = pending(state=state)
    for number in range(3):
        cluster[0].server.put(f"{path}{number}", pod)
    (one,) = (each for each in found(cluster) if each.check == "pods")
    assert (one.severity, one.object) == ("error", "Pod shop/web-10 and 2 more")
    assert words in one.what
    assert remedy in one.remedy


@pytest.mark.parametrize("state", [{"running": {}}, {"waiting": {"reason": "PodInitializing"}}, {}])
def test_a_pod_that_is_only_starting_is_no_finding(
    cluster: tuple[Installed, str], state: Any
) -> None:
    cluster[0].server.put(*pending(state=state))
    (one,) = (each for each in found(cluster) if each.check == "pods")
    assert one.severity == "ok"


def test_following_the_hint_for_pull_secrets_takes_no_right_away(
    cluster: tuple[Installed, str],
) -> None:
    """Helm replaces a list as a whole: those that may be read already have to be in it."""
    installed_, _ = cluster
    for name in ("billing", "away"):
        labels = {"initshim.dev/inject": "enabled"} if name == "billing" else {}
        installed_.server.put(f"/api/v1/namespaces/{name}", {"metadata": {"labels": labels}})
    may = installed_.may
    installed_.server.may = lambda spec: (
        (
            spec["resourceAttributes"]["namespace"] == "away"
            and spec["resourceAttributes"]["resource"] == "secrets"
            and spec["resourceAttributes"]["verb"] == "get"
        )
        or may(spec)
    )
    for name in ("shop", "billing"):
        path, made = workload(name, "127.0.0.1:1/private:1")
        installed_.server.put(path.replace("/shop/", f"/{name}/"), made)
    hints = [each.remedy for each in found(cluster) if "pullSecretNamespaces" in each.remedy]
    assert hints
    assert all("{away,billing}" in each for each in hints)


def test_what_a_managed_cluster_leaves_out_is_not_selected(
    cluster: tuple[Installed, str],
) -> None:
    """Doctor and audit read whom the webhook is asked about by the same rule."""
    labels = {"initshim.dev/inject": "enabled"}
    cluster[0].server.put("/api/v1/namespaces/gke-managed", {"metadata": {"labels": labels}})
    condition = {"name": "not-gke", "expression": "!request.namespace.startsWith('gke-')"}
    cluster[0].change(WEBHOOK, webhooks__0__matchConditions=[condition])
    (one,) = (each for each in found(cluster) if each.object == "Namespace gke-managed")
    assert "a matchCondition leaves it out" in one.what


def test_settings_that_the_webhook_would_refuse_are_named(cluster: tuple[Installed, str]) -> None:
    env = [{"name": "INITSHIM_LOOKUP_SECONDS", "value": "soon"}]
    path = "spec__template__spec__containers__0__env"
    cluster[0].change(DEPLOYMENT, **{path: env})
    (one,) = (each for each in found(cluster) if "LOOKUP_SECONDS" in each.what)
    assert one.severity == "error"


def test_the_remedy_of_a_release_keeps_its_version(cluster: tuple[Installed, str]) -> None:
    cluster[0].change(
        WEBHOOK,
        metadata__annotations={"meta.helm.sh/release-name": "init"},
        metadata__labels={"helm.sh/chart": "initshim-1.2.3"},
        webhooks__0__objectSelector={"matchLabels": {"a": "b"}},
    )
    (one,) = (each for each in found(cluster) if "objectSelector" in each.what)
    assert one.remedy.startswith("helm upgrade init oci://ghcr.io/initshim/charts/initshim ")
    assert "--version 1.2.3" in one.remedy
    assert "--reuse-values" in one.remedy


def test_a_wrong_port_is_one_error_and_what_follows_refers_to_it(
    cluster: tuple[Installed, str],
) -> None:
    cluster[0].change(WEBHOOK, webhooks__0__clientConfig__service__port=8443)
    cluster[0].failure = "connect: connection refused"
    errors = [each for each in found(cluster) if each.severity == "error"]
    assert [each.check for each in errors] == ["service"]
    one = rehearsed(cluster)
    assert (one.severity, one.remedy) == ("info", "")
    assert one.what.endswith("(see service, Service initshim/initshim)")


def half_installed(cluster: Installed) -> None:
    """As after an installation whose pods never came up: nobody filled Secret and caBundle."""
    cluster.change(SECRET, data={})
    cluster.change(
        WEBHOOK,
        webhooks__0__clientConfig={
            "service": {"name": "initshim", "namespace": "initshim", "port": 443}
        },
    )
    cluster.change(SLICE, endpoints=[{"conditions": {"ready": False}}])
    cluster.failure = "x509: certificate signed by unknown authority"


def down(cluster: Installed) -> None:
    half_installed(cluster)
    cluster.change(DEPLOYMENT, status={})


def without_rights(cluster: Installed) -> None:
    down(cluster)
    without_role(cluster)


def refused_settings(cluster: Installed) -> None:
    down(cluster)
    setting("LOOKUP_SECONDS", "soon")(cluster)


def emptied(cluster: Installed) -> None:
    half_installed(cluster)
    cluster.change(SLICE, endpoints=[{"conditions": {"ready": True}}])


@pytest.mark.parametrize(
    ("ill", "cause", "followers"),
    [
        (down, "Deployment initshim/initshim", 4),
        (without_rights, "ServiceAccount initshim/initshim", 5),
        (refused_settings, "deployment/initshim's settings", 6),
        (emptied, "Secret initshim/initshim-ca", 2),
    ],
)
def test_an_error_that_makes_others_is_said_once(
    cluster: tuple[Installed, str], ill: Ill, cause: str, followers: int
) -> None:
    ill(cluster[0])
    findings = found(cluster)
    (one,) = (each for each in findings if each.severity is Severity.ERROR)
    assert one.object == cause
    assert one.remedy
    referring = [each for each in findings if each.what.endswith(f"(see {one.check}, {cause})")]
    assert len(referring) == followers
    assert {(each.severity, each.remedy) for each in referring} == {(Severity.INFO, "")}


def test_a_release_is_upgraded_in_its_own_namespace(cluster: tuple[Installed, str]) -> None:
    """`namespaceOverride` puts the objects elsewhere; helm knows the release where it was made."""
    cluster[0].change(
        WEBHOOK,
        metadata__annotations={
            "meta.helm.sh/release-name": "init",
            "meta.helm.sh/release-namespace": "platform",
        },
        webhooks__0__objectSelector={"matchLabels": {"a": "b"}},
    )
    (one,) = (each for each in found(cluster) if "objectSelector" in each.what)
    assert " -n platform " in one.remedy
