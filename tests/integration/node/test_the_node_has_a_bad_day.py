"""Programs of the node restarted, a sandbox killed, the power lost: pods go on or come back."""

import psutil
import pytest

from tests.integration.node import options
from tests.integration.node.cluster import Cluster
from tests.integration.node.node import Node


def ids(cluster: Cluster, namespace: str) -> dict[str, tuple[str, int]]:
    """Give each container's id and restarts."""
    return {
        each["name"]: (each.get("containerID", ""), each["restartCount"])
        for pod in cluster.pods(namespace)
        for each in pod["status"].get("containerStatuses", ())
    }


def wrapped(cluster: Cluster, namespace: str) -> bool:
    said = cluster.kubectl("-n", namespace, "exec", "x", "--", "cat", "/proc/1/comm", check=False)
    return said.startswith("init")


def test_a_restarted_kubelet_and_runtime_leave_pods_alone(
    node: Node, cluster: Cluster, shop: str
) -> None:
    cluster.run(shop, "x", "/bin/leaker")
    cluster.running(shop, "x")
    before = ids(cluster, shop)
    for program in ("kubelet", options.runtime()):
        node.restart(program)
        cluster.until(lambda: wrapped(cluster, shop))
        assert ids(cluster, shop) == before


@pytest.mark.skipif(
    options.runtime() == options.CRIO,
    reason="CRI-O pins a pod's namespaces and keeps no process for it: there is none to kill",
)
def test_a_killed_sandbox_comes_back_through_the_reaper(cluster: Cluster, shop: str) -> None:
    """The init container runs again, and overwrites nothing that is being run."""
    cluster.run(shop, "x", "/bin/leaker")
    pod = cluster.running(shop, "x")
    first = ids(cluster, shop)
    uid = pod["metadata"]["uid"]
    pauses = [
        each for each in psutil.process_iter(["name", "pid"])
        if each.info["name"] == "pause" and uid in _cgroup(each.info["pid"])
    ]  # fmt: skip
    assert len(pauses) == 1
    pauses[0].kill()
    cluster.until(lambda: ids(cluster, shop) != first and wrapped(cluster, shop))


def test_after_a_power_loss_pods_come_back_wrapped(node: Node, cluster: Cluster, shop: str) -> None:
    cluster.run(shop, "x", "/bin/leaker")
    cluster.running(shop, "x")
    before = ids(cluster, shop)
    node.off()
    assert not node.running
    node.on()
    cluster.until(lambda: ids(cluster, shop) != before and wrapped(cluster, shop), 240)


def _cgroup(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cgroup") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return ""
