"""What the node is made of, by the environment: of its build, its start and its tests alike.

| variable | chooses |
|---|---|
| `INITSHIM_NODE_KUBERNETES=1.34` | the oldest Kubernetes that has modules here, not the newest |
| `INITSHIM_NODE_KUBELET=1.34` | so for the kubelet alone: it may be three minors older than its API server |
| `INITSHIM_NODE_RUNTIME=crio` | CRI-O, not containerd |
| `INITSHIM_NODE_NETWORK=kube-router` | a bridge that keeps network policies, by kube-router, not one that knows none |
"""  # noqa: E501 - a table

import os
from pathlib import Path

from tests.integration.controlplane.assets import Missing

MODULES = Path(__file__).parent / "modules"
CONTAINERD, CRIO = "containerd", "crio"
RUNTIMES = (CONTAINERD, CRIO)
BRIDGE, KUBE_ROUTER = "bridge", "kube-router"
NETWORKS = (BRIDGE, KUBE_ROUTER)
_MINOR = "INITSHIM_NODE_KUBERNETES"
_KUBELET = "INITSHIM_NODE_KUBELET"
_RUNTIME = "INITSHIM_NODE_RUNTIME"
_NETWORK = "INITSHIM_NODE_NETWORK"


def minor() -> str:
    """Give the Kubernetes that the node runs."""
    return _chosen(_MINOR, *_minors())


def kubelet_minor() -> str:
    """Give that of its kubelet."""
    return _chosen(_KUBELET if _KUBELET in os.environ else _MINOR, *_minors())


def runtime() -> str:
    """Give the program that runs its containers."""
    return _chosen(_RUNTIME, *RUNTIMES)


def network() -> str:
    """Give what is between its pods."""
    return _chosen(_NETWORK, *NETWORKS)


def _minors() -> list[str]:
    """Name those that have modules, the newest first."""
    found = {path.name.rpartition("-")[2] for path in MODULES.glob("kubernetes-*")}
    return sorted(found, key=lambda name: -int(name.partition(".")[2]))


def _chosen(variable: str, *known: str) -> str:
    """Give what a variable says, by default the first. Raises Missing for what is not known."""
    chosen = os.environ.get(variable) or known[0]
    if chosen not in known:
        raise Missing(f"{variable}={chosen}: there are {', '.join(known)}")
    return chosen
