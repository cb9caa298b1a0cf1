"""The webhook configuration: about which pods the API server asks, and what it does without us."""

from typing import Any

import pytest

from tests.unit.cli.doctor.cluster import DEPLOYMENT, SHOP, WEBHOOK, Installed
from tests.unit.cli.doctor.diagnosis import Served, bad, found, found_by
from webhook.cli.doctor.finding import Finding

CONFIGURATION = "MutatingWebhookConfiguration initshim"
AGAIN = "Render the chart again as it was (helm template …){}, and apply it."


def said(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(each.severity, each.object, each.what) for each in findings]


def expressions(there: Installed, *more: dict[str, Any], without: str = "") -> None:
    """Add requirements to the namespaceSelector, or leave one out."""
    (webhook,) = there.server.objects[WEBHOOK]["webhooks"]
    rules = webhook["namespaceSelector"]["matchExpressions"]
    kept = [each for each in rules if each["key"] != without]
    there.change(WEBHOOK, webhooks__0__namespaceSelector__matchExpressions=[*kept, *more])


@pytest.mark.parametrize(
    "rule",
    [
        {"resources": ["*"]},
        {"resources": ["*/*"], "apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"]},
        {"resources": ["services", "pods/*"], "apiGroups": ["", "apps"]},
    ],
    ids=str,
)
def test_a_rule_that_names_pods_in_another_way_is_as_good(
    cluster: Served, rule: dict[str, list[str]]
) -> None:
    (webhook,) = cluster[0].server.objects[WEBHOOK]["webhooks"]
    (ours,) = webhook["rules"]
    other = {**ours, "resources": ["services"]}
    cluster[0].change(WEBHOOK, webhooks__0__rules=[other, ours | rule])
    assert bad(found_by("configuration", cluster)) == []


def test_a_rule_for_pods_of_another_group_asks_about_none(cluster: Served) -> None:
    cluster[0].change(WEBHOOK, webhooks__0__rules__0__apiGroups=["metrics.k8s.io"])
    (one,) = bad(found_by("configuration", cluster))
    assert said([one]) == [
        (
            "error",
            CONFIGURATION,
            "no rule of it names the creation of pods, so it is never called",
        )
    ]
    assert one.remedy == AGAIN.format("")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("kube-system", "the chart leaves it out, whatever its labels"),
        ("initshim", "the chart leaves it out, whatever its labels"),
        ("default", "the namespaceSelector leaves it out"),
    ],
)
def test_a_namespace_that_is_labelled_and_yet_left_out_is_told_why(
    cluster: Served, name: str, why: str
) -> None:
    expressions(cluster[0], {"key": "tier", "operator": "Exists"})
    labels = {"kubernetes.io/metadata.name": name, "initshim.dev/inject": "true"}
    cluster[0].change(SHOP, metadata__labels__tier="front")
    cluster[0].change(SHOP.replace("shop", name), metadata__labels=labels)
    (one,) = bad(found_by("configuration", cluster))
    assert said([one]) == [
        (
            "warning",
            f"Namespace {name}",
            f"labelled initshim.dev/inject=true and not selected: {why}",
        )
    ]
    assert one.remedy == (
        "kubectl get mutatingwebhookconfiguration initshim "
        "-o jsonpath='{.webhooks[*].namespaceSelector}'"
    )


@pytest.mark.parametrize(
    ("keys", "named"), [("abcde", "a, b, c, d, e"), ("abcdef", "a, b, c, d, e and 1 more")]
)
def test_what_else_the_selector_asks_for_is_worth_knowing(
    cluster: Served, keys: str, named: str
) -> None:
    expressions(cluster[0], *({"key": key, "operator": "DoesNotExist"} for key in keys))
    findings = found_by("configuration", cluster)
    assert bad(findings) == []
    (one,) = (each for each in findings if each.severity == "info")
    assert one.what == (
        f"its namespaceSelector also asks for {named}: namespaceMatchExpressions, "
        "or a managed cluster that keeps webhooks off its own namespaces"
    )


def test_a_selector_that_names_a_label_twice_was_written_by_two(cluster: Served) -> None:
    own = {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["gke-system"]}
    expressions(cluster[0], own)
    fields: Any = {"f:webhooks": {'k:{"name":"inject.initshim.dev"}': {"f:namespaceSelector": {}}}}
    writers = [
        {"manager": "helm", "fieldsV1": fields},
        {"manager": "gke-autopilot", "fieldsV1": fields},
        {"manager": "initshim", "fieldsV1": {"f:webhooks": {}}},
    ]
    cluster[0].change(WEBHOOK, metadata__managedFields=writers)
    (one,) = (each for each in found_by("configuration", cluster) if each.severity == "info")
    assert one.what == (
        "its namespaceSelector names one label twice (written by gke-autopilot, helm): "
        "namespaceMatchExpressions, or a managed cluster that keeps webhooks off its own namespaces"
    )


def test_a_selector_without_our_label_is_warned_of(cluster: Served) -> None:
    expressions(cluster[0], without="initshim.dev/inject")
    (one,) = bad(found_by("configuration", cluster))
    assert said([one]) == [
        (
            "warning",
            CONFIGURATION,
            "its namespaceSelector does not ask for the label initshim.dev/inject",
        )
    ]
    assert one.remedy == AGAIN.format("")


def test_on_aks_the_chart_that_knows_of_it_is_left_as_it_is(cluster: Served) -> None:
    """`platform: aks` asks for what the enforcer would add, and says so to it."""
    expressions(cluster[0], {"key": "control-plane", "operator": "DoesNotExist"})
    cluster[0].change(WEBHOOK, metadata__annotations={"admissions.enforcer/disabled": "true"})
    assert {each.severity for each in found_by("configuration", cluster)} == {"ok"}


def test_conditions_that_are_not_the_charts_are_worth_knowing(cluster: Served) -> None:
    (webhook,) = cluster[0].server.objects[WEBHOOK]["webhooks"]
    mine = [{"name": name, "expression": "true"} for name in ("zz-mine", "mine")]
    cluster[0].change(WEBHOOK, webhooks__0__matchConditions=[*webhook["matchConditions"], *mine])
    (one,) = (each for each in found_by("configuration", cluster) if each.severity == "info")
    assert one.what == "it has matchConditions that are not the chart's: mine, zz-mine"


def test_without_conditions_the_chart_was_rendered_for_an_older_kubernetes(
    cluster: Served,
) -> None:
    cluster[0].change(WEBHOOK, webhooks__0__matchConditions=None)
    findings = found(cluster)
    assert not [each for each in findings if "matchConditions spare" in each.what]
    (one,) = (each for each in findings if each.object == "Kubernetes")
    assert (one.severity, one.what) == (
        "info",
        (
            "v1.36.1 knows matchConditions, and the configuration has none: it was rendered for an "
            "older one"
        ),
    )
    assert one.remedy == AGAIN.format("")


@pytest.mark.parametrize(
    ("replicas", "severity", "what", "remedy"),
    [
        (2, "ok", "failurePolicy Fail: no pod starts without being asked about", ""),
        (
            1,
            "warning",
            "failurePolicy Fail with one replica: while it restarts, no pod starts",
            AGAIN.format(" with --set replicas=2"),
        ),
    ],
)
def test_who_lets_no_pod_start_without_the_webhook_wants_two_of_it(
    cluster: Served, replicas: int, severity: str, what: str, remedy: str
) -> None:
    cluster[0].change(WEBHOOK, webhooks__0__failurePolicy="Fail")
    cluster[0].change(DEPLOYMENT, spec__replicas=replicas)
    (one,) = (each for each in found_by("configuration", cluster) if "Policy" in each.what)
    assert (one.severity, one.what, one.remedy) == (severity, what, remedy)
