"""Doctor against an installation as deploy/ makes it, broken in one way at a time."""

import base64
import re
import time
from datetime import timedelta

import pytest

from tests.unit.cli.doctor.cluster import (
    BUDGET,
    DEPLOYMENT,
    NOW,
    ROOT,
    SECRET,
    SERVICE,
    SHOP,
    SLICE,
    WEBHOOK,
    Ill,
    Installed,
    setting,
    without_role,
)
from tests.unit.cli.doctor.diagnosis import Served, bad, found
from webhook.cli.doctor.finding import EXIT_CODES, Severity, worst
from webhook.server.metrics import Metrics
from webhook.tls import issue


def test_a_healthy_installation_has_nothing_wrong(cluster: Served) -> None:
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


def test_the_page_shows_what_it_says(cluster: Served) -> None:
    """But for numbers, and for a registry that is asked in earnest."""
    labels = {"initshim.dev/inject": "enabled"}
    cluster[0].server.put(SHOP.replace("shop", "billing"), {"metadata": {"labels": labels}})
    findings = [f"{each.severity} {each.object}: {each.what}" for each in found(cluster)]
    shown = (ROOT / "docs" / "doctor.md").read_text().split("```text\n")[1].partition("```")[0]
    lines = {
        re.sub(r"\d+", "N", re.sub(r" +", " ", line.strip()))
        for line in shown.splitlines()
        if line.startswith(("  ok", "  info"))
    }
    assert lines <= {re.sub(r"\d+", "N", each) for each in findings}
    assert len(lines) > 10


def test_it_writes_nothing(cluster: Served) -> None:
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
    cluster: Served, ill: Ill, severity: str, about: str, words: str, remedy: str
) -> None:
    ill(cluster[0])
    matching = [
        each
        for each in found(cluster)
        if each.severity == severity and each.object.startswith(about) and words in each.what
    ]
    assert len(matching) == 1
    assert remedy in matching[0].remedy


def test_a_time_that_is_too_short_is_no_crash(cluster: Served) -> None:
    def hang(_method: str, path: str) -> None:
        if path.endswith("endpointslices"):
            time.sleep(1.5)

    cluster[0].server.interfere = hang
    findings = found(cluster, seconds=1)
    service = [each for each in findings if each.check == "service"]
    assert [each.severity for each in service] == [Severity.UNKNOWN]
    assert "--timeout" in service[0].remedy


def test_no_budget_is_worth_knowing(cluster: Served) -> None:
    cluster[0].server.delete(BUDGET)
    (one,) = (each for each in found(cluster) if "may take all its pods" in each.what)
    assert one.severity is Severity.INFO


def test_from_outside_a_replica_is_asked_until_when_its_leaf_is_valid(cluster: Served) -> None:
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


def test_what_a_managed_cluster_leaves_out_is_not_selected(cluster: Served) -> None:
    """Doctor and audit read whom the webhook is asked about by the same rule."""
    labels = {"initshim.dev/inject": "enabled"}
    cluster[0].server.put("/api/v1/namespaces/gke-managed", {"metadata": {"labels": labels}})
    condition = {"name": "not-gke", "expression": "!request.namespace.startsWith('gke-')"}
    cluster[0].change(WEBHOOK, webhooks__0__matchConditions=[condition])
    (one,) = (each for each in found(cluster) if each.object == "Namespace gke-managed")
    assert "a matchCondition leaves it out" in one.what


def test_settings_that_the_webhook_would_refuse_are_named(cluster: Served) -> None:
    env = [{"name": "INITSHIM_LOOKUP_SECONDS", "value": "soon"}]
    path = "spec__template__spec__containers__0__env"
    cluster[0].change(DEPLOYMENT, **{path: env})
    (one,) = (each for each in found(cluster) if "LOOKUP_SECONDS" in each.what)
    assert (one.severity, one.object) == ("error", "deployment/initshim's settings")
    assert one.remedy == (
        "Render the chart again as it was (helm template …) with --set env.NAME=VALUE, and apply "
        "it."
    )


def test_the_remedy_of_a_release_keeps_its_version(cluster: Served) -> None:
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


def test_a_release_is_upgraded_in_its_own_namespace(cluster: Served) -> None:
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
