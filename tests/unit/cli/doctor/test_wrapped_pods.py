"""The pods of selected namespaces that wait for the reaper."""

from typing import Any

import pytest

from tests.fakes.cluster import spec, wrapped
from tests.unit.cli.doctor.diagnosis import Served, found
from webhook.core.mutation import Delivery


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
    cluster: Served, state: Any, words: str, remedy: str
) -> None:
    path, pod = pending(state=state)
    for number in range(3):
        cluster[0].server.put(f"{path}{number}", pod)
    (one,) = (each for each in found(cluster) if each.check == "pods")
    assert (one.severity, one.object) == ("error", "Pod shop/web-10 and 2 more")
    assert words in one.what
    assert remedy in one.remedy


@pytest.mark.parametrize("state", [{"running": {}}, {"waiting": {"reason": "PodInitializing"}}, {}])
def test_a_pod_that_is_only_starting_is_no_finding(cluster: Served, state: Any) -> None:
    cluster[0].server.put(*pending(state=state))
    (one,) = (each for each in found(cluster) if each.check == "pods")
    assert one.severity == "ok"


@pytest.mark.parametrize("ours", [False, True])
def test_another_init_container_that_fails_is_not_the_reapers(
    cluster: Served,
    ours: bool,
) -> None:
    failed = {"terminated": {"exitCode": 126, "reason": "Error"}}
    path, pod = pending(state=failed if ours else {"terminated": {"exitCode": 0}})
    istio = {"name": "istio-init", "state": {} if ours else failed}
    pod["status"]["initContainerStatuses"].insert(0, istio)
    cluster[0].server.put(path, pod)
    (one,) = (each for each in found(cluster) if each.check == "pods")
    assert one.severity == ("error" if ours else "ok")
