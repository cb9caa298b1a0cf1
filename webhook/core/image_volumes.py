"""Whether nodes can mount the reaper's image as a volume: by what they report, and what is known.

KEP-4639 is on by default from Kubernetes 1.35. A kubelet is never newer than its API servers, so
that nodes of 1.35 mean API servers of 1.35, even while a control plane is being upgraded.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from webhook.core.pod import Pod

KUBERNETES = (1, 35)
# The oldest runtime that mounts images, by the name that it has in a node's status.
RUNTIMES = {"containerd": (2, 1), "cri-o": (1, 31)}
# Builds that say such a version and were seen to mount an empty directory instead, without any
# error: https://github.com/k3s-io/k3s/issues/14323.
EMPTY_MOUNTS = ("k3s",)
_VERSION = re.compile(r"v?([0-9]+)\.([0-9]+)")


@dataclass(frozen=True, slots=True)
class Node:
    """A Linux node, as its status has it: `v1.37.2`, `containerd://2.4.2`."""

    name: str
    kubelet: str
    runtime: str


def obstacle(node: Node) -> str:
    """Say what keeps a node from mounting images, "" where nothing does."""
    if (number(node.kubelet) or (0, 0)) < KUBERNETES:
        return f"its kubelet is {node.kubelet or 'unknown'}"
    name, _, version = node.runtime.partition("://")
    said = f"its runtime is {node.runtime or 'unknown'}"
    if name not in RUNTIMES or (number(version) or (0, 0)) < RUNTIMES[name]:
        return said
    return said if any(each in version for each in EMPTY_MOUNTS) else ""


def unable(nodes: Iterable[Node]) -> tuple[tuple[Node, str], ...]:
    """Give the nodes that can't, each with what keeps it."""
    return tuple((node, why) for node in nodes if (why := obstacle(node)))


def possible(version: str, nodes: Collection[Node]) -> bool:
    """Tell whether the API server, by its version, and all nodes can; without a node, no."""
    return (number(version) or (0, 0)) >= KUBERNETES and bool(nodes) and not unable(nodes)


def suits(pod: Pod) -> bool:
    """Tell whether a pod can have one on nodes that can.

    Kata and gVisor, chosen by a runtime class, can't (kata-containers/kata-containers#13749,
    google/gvisor#14471), nor can containerd before 2.1.7 and 2.2.2 for a pod with user IDs of its
    own (containerd/containerd#12812).
    """
    return pod.spec.runtime_class_name is None and pod.spec.host_users is not False


def number(version: str) -> tuple[int, int] | None:
    """Give major and minor of v1.36.1-gke.4, 1.36+ or 0.3.0."""
    found = _VERSION.match(version)
    return (int(found[1]), int(found[2])) if found else None
