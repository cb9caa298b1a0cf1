"""The kubelet sets the whole machine's kernel, a node leaves mounts and links: not here.

`make node-down` looks with `machine.left` and fails where something is; this holds that it looks.
"""

from pathlib import Path

import pytest

from tests.integration.node import machine
from tests.integration.node.cluster import Cluster
from tests.integration.node.node import Node

_RUNTIMES = ("/run/", "/var/lib/")  # pinned namespaces, root file systems, volumes
SET_BY_THE_KUBELET = {
    "vm/overcommit_memory": "1",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
}


@pytest.mark.parametrize("name", SET_BY_THE_KUBELET)
def test_what_the_kubelet_sets_is_the_nodes_own(node: Node, name: str) -> None:
    """Semantics of `pkg/kubelet/cm`: setupKernelTunables."""
    assert node.call("cat", f"/proc/sys/{name}").strip() == SET_BY_THE_KUBELET[name]
    there = machine.kernel_settings()[name]
    assert machine.kept_settings(node.layout)[name] == there
    assert there == Path(f"/proc/sys/{name}").read_text().strip()


def test_what_a_running_node_has_is_seen(node: Node) -> None:
    kinds = {line.split()[0] for line in machine.left(node.layout)}
    assert {"process", "link", "route", "cgroup"} <= kinds


def test_what_a_pod_runs_and_mounts_is_the_nodes_own(
    node: Node, cluster: Cluster, plain: str
) -> None:
    """By cgroup each of its processes is seen as left; none of its mounts is on this machine."""
    cluster.run(plain, "x", "/bin/idle")
    cluster.running(plain, "x")
    seen = [line for line in machine.left(node.layout) if line.startswith("process ")]
    assert [line for line in seen if line.endswith(" idle")]
    mounted = {path for path in _mounts(node.layout.init()) if path.startswith(_RUNTIMES)}
    assert mounted
    assert not mounted & _mounts("self")


def test_a_setting_that_changed_is_seen(node: Node) -> None:
    kept = machine.kept_settings(node.layout)
    assert list(machine.changed(kept)) == []
    other = {**kept, "kernel/panic": "77"}
    assert [line.split()[0] for line in machine.changed(other)] == ["sysctl"]


def _mounts(process: int | str | None) -> set[str]:
    """Give where something is mounted, as a process sees it."""
    lines = Path(f"/proc/{process}/mounts").read_text().splitlines()
    return {line.split()[1] for line in lines}
