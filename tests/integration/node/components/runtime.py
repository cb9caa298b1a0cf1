"""The container runtime that was chosen: containerd, or CRI-O."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.integration.node import options
from tests.integration.node.component import Component
from tests.integration.node.components import containerd, crio
from tests.integration.node.layout import Layout


@dataclass(frozen=True, slots=True)
class Runtime:
    """One runtime: its program, the socket that the kubelet asks, and how a person looks."""

    component: Callable[[Layout], Component]
    socket: str
    look: str


_KNOWN = {
    options.CONTAINERD: Runtime(containerd.component, containerd.SOCKET, "ctr -n k8s.io tasks ls"),
    options.CRIO: Runtime(crio.component, crio.SOCKET, "crio status info"),
}


def chosen() -> Runtime:
    """Give the one that the node has."""
    return _KNOWN[options.runtime()]
