"""What the API server calls: Service, endpoints, the Deployment, and what protects its pods."""

from typing import Any

import pytest

from tests.fakes.api_server import Refusal
from tests.unit.cli.doctor.cluster import BUDGET, DEPLOYMENT, SERVICE, SLICE, Installed
from tests.unit.cli.doctor.diagnosis import Served, bad, found, found_by
from webhook.cli.doctor.finding import Finding


def refusing(there: Installed, *ends: str) -> None:
    """Let nobody read these."""

    def refuse(method: str, path: str) -> None:
        if method == "GET" and path.endswith(ends):
            raise Refusal(403, "Forbidden", "not you")

    there.server.interfere = refuse


def about(cluster: Served, name: str) -> Finding:
    (one,) = (each for each in found_by("service", cluster) if each.object == name)
    return one


@pytest.mark.parametrize(
    ("end", "name", "granted"),
    [
        (
            "/endpointslices",
            "Service initshim/initshim",
            "list' on endpointslices.discovery.k8s.io",
        ),
        ("/initshim/deployments", "Deployments in initshim", "list' on deployments.apps"),
        ("/initshim/pods", "Pods in initshim", "list' on pods"),
        ("/poddisruptionbudgets", "PodDisruptionBudgets in initshim", "list' on poddisruptionbud"),
        ("/services/initshim", "Service initshim/initshim", "get' on services"),
    ],
)
def test_what_may_not_be_read_is_said_with_the_right_that_is_missing(
    cluster: Served, end: str, name: str, granted: str
) -> None:
    refusing(cluster[0], end)
    (one,) = (each for each in found_by("service", cluster) if each.severity == "unknown")
    assert one.object == name
    assert one.what.endswith(": not you")
    assert one.remedy.startswith(f"Grant the verb '{granted}")


def test_the_deployment_of_a_service_that_may_not_be_read_is_known_by_its_name(
    cluster: Served,
) -> None:
    refusing(cluster[0], "/services/initshim")
    assert about(cluster, "Deployment initshim/initshim").what == "2 of 2 replicas ready"


def test_nobody_behind_a_service_that_may_not_be_read_is_an_error(cluster: Served) -> None:
    refusing(cluster[0], "/services/initshim")
    cluster[0].change(SLICE, endpoints=[{"conditions": {"ready": False}}])
    (one,) = (each for each in found_by("service", cluster) if each.severity == "error")
    assert one.what == "none of 1 endpoints is ready: nobody answers the API server"
    assert one.remedy == "kubectl -n initshim describe pods"


def test_an_endpoint_that_says_nothing_of_itself_is_ready(cluster: Served) -> None:
    """discovery.k8s.io/v1: an absent condition means so."""
    cluster[0].change(SLICE, endpoints=[{}, {"conditions": {}}, {"conditions": {"ready": False}}])
    said = about(cluster, "Service initshim/initshim").what
    assert said == "2 of 3 endpoints ready on port 443"


def test_of_a_service_that_is_not_there_no_endpoints_are_missed(cluster: Served) -> None:
    cluster[0].server.delete(SERVICE)
    cluster[0].server.delete(SLICE)
    (one,) = (each for each in found_by("service", cluster) if each.severity == "error")
    assert one.what == "it does not exist"


@pytest.mark.parametrize("selector", [{"app": "another"}, {}])
def test_pods_that_nobody_makes_are_warned_of(cluster: Served, selector: dict[str, str]) -> None:
    cluster[0].change(SERVICE, spec__selector=selector)
    if not selector:  # then it is the Deployment's name that counts
        renamed = {**cluster[0].server.objects[DEPLOYMENT], "metadata": {}}
        cluster[0].server.delete(DEPLOYMENT)
        cluster[0].server.put(DEPLOYMENT + "-2", renamed)
    one = about(cluster, "Deployments in initshim")
    assert (one.severity, one.what) == (
        "warning",
        "none of them makes the pods that the Service selects",
    )
    assert one.remedy == "kubectl -n initshim get service,deployment --show-labels"


def test_another_deployment_beside_the_webhooks_is_passed_over(cluster: Served) -> None:
    before = found(cluster)
    path = DEPLOYMENT.replace("/initshim/deployments/initshim", "/initshim/deployments/a-proxy")
    template = {"metadata": {"labels": {"app": "proxy"}}, "spec": {"containers": []}}
    cluster[0].server.put(path, {"spec": {"template": template}})
    assert found(cluster) == before


def test_a_deployment_that_is_scaled_to_zero_is_an_error(cluster: Served) -> None:
    cluster[0].change(DEPLOYMENT, spec__replicas=0, status={})
    one = about(cluster, "Deployment initshim/initshim")
    assert (one.severity, one.what) == ("error", "scaled to zero")
    assert one.remedy == "kubectl -n initshim scale deployment/initshim --replicas=2"


def waiting(there: Installed, *states: dict[str, Any]) -> None:
    labels = there.server.objects[SERVICE]["spec"]["selector"]
    there.server.put(
        "/api/v1/namespaces/initshim/pods/initshim-x",
        {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "webhook", "image": "a"}]},
            "status": {"containerStatuses": [{"state": state} for state in states]},
        },
    )


def test_what_keeps_a_pod_from_being_ready_is_in_the_kubelets_words(cluster: Served) -> None:
    waiting(
        cluster[0],
        {"running": {}},
        {"waiting": {"reason": "ContainerCreating"}},
        {"waiting": {"reason": "CreateContainerConfigError", "message": "no key\n  in it"}},
        {"waiting": {"reason": "CrashLoopBackOff"}},
    )
    said = [
        (each.severity, each.object, each.what, each.remedy)
        for each in bad(found_by("service", cluster))
    ]
    remedy = "kubectl -n initshim logs initshim-x --previous"
    assert said == [
        (
            "warning",
            "Pod initshim/initshim-x",
            "CreateContainerConfigError: no key in it",
            remedy,
        ),
        ("warning", "Pod initshim/initshim-x", "CrashLoopBackOff", remedy),
    ]


@pytest.mark.parametrize(
    ("selector", "covers"),
    [({"matchLabels": {"app": "another"}}, False), (None, False), ({}, True)],
    ids=["another's", "none", "every pod's"],
)
def test_a_budget_covers_the_pods_that_it_selects(
    cluster: Served, selector: dict[str, Any] | None, *, covers: bool
) -> None:
    """policy/v1: without a selector it selects no pod, with an empty one each."""
    cluster[0].change(BUDGET, spec={"minAvailable": 1, "selector": selector})
    *_, one = found_by("service", cluster)
    if covers:
        assert (one.severity, one.what) == ("ok", "covers the webhook's pods: minAvailable 1")
    else:
        assert (one.severity, one.what) == (
            "info",
            "none covers the webhook: a drain may take all its pods at once",
        )
