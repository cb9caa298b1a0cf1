"""The node's programs: what Go builds once, and what Debian has.

Each folder of `modules/` is a Go module that pins what is built from it; etcd is the control plane
tests' own. All are kept with those, outside of the tree. `INITSHIM_NODE_KUBERNETES=1.34` chooses
the oldest Kubernetes that still gets its modules built, and not the newest; `INITSHIM_NODE_KUBELET`
does so for the kubelet alone: a node may be three minors older than its API server.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.chart import tools
from tests.integration.controlplane import assets
from tests.integration.controlplane.assets import KUBERNETES, Missing, Recipe

MODULES = Path(__file__).parent / "modules"
_MINOR = "INITSHIM_NODE_KUBERNETES"
_KUBELET = "INITSHIM_NODE_KUBELET"
_CONTAINERD = "github.com/containerd/containerd/v2"
_LEAN = "no_btrfs,no_devmapper,no_zfs,no_aufs"
# program → Debian's package
DEBIAN = {
    "runc": "runc",
    "docker-registry": "docker-registry",
    "buildah": "buildah",
    "skopeo": "skopeo",
    "iptables": "iptables",
    "nsenter": "util-linux",
    "ip": "iproute2",
}
_CNI = Path("/usr/lib/cni/bridge")


def minor() -> str:
    """Give the Kubernetes that the node runs."""
    return _chosen(_MINOR)


def kubelet_minor() -> str:
    """Give that of its kubelet."""
    return _chosen(_KUBELET if _KUBELET in os.environ else _MINOR)


def _chosen(variable: str) -> str:
    known = sorted(
        (path.name.rpartition("-")[2] for path in MODULES.glob("kubernetes-*")),
        key=lambda name: int(name.split(".")[1]),
    )
    chosen = os.environ.get(variable, known[-1])
    if chosen not in known:
        raise Missing(f"{variable}={chosen}: there are modules for {', '.join(known)}")
    return chosen


def recipes() -> dict[str, Recipe]:
    """Give what is built, by program; containerd's shim and ctr stand beside containerd."""
    minors = {"kubelet": kubelet_minor()}
    kubernetes = {
        name: Recipe(
            name,
            KUBERNETES,
            f"{KUBERNETES}/cmd/{name}",
            MODULES / f"kubernetes-{minors.get(name, minor())}",
        )
        for name in (
            "kube-apiserver",
            "kubelet",
            "kube-proxy",
            "kube-scheduler",
            "kube-controller-manager",
        )
    }
    containerd = {
        name: Recipe(
            name,
            _CONTAINERD,
            f"{_CONTAINERD}/cmd/{name}",
            MODULES / "containerd",
            tags=_LEAN,
            stamped=f"{_CONTAINERD}/version.Version",
        )
        for name in ("containerd", "containerd-shim-runc-v2", "ctr")
    }
    etcd = assets.recipes(minor())[1]  # no minor of Kubernetes has one of its own
    return {"etcd": etcd, **kubernetes, **containerd}


def program(name: str) -> str:
    """Give the path of a built program."""
    return str(recipes()[name].path)


def build() -> None:
    """Build what is not there yet. Raises Missing that says where it stopped, and the remedy."""
    for recipe in recipes().values():
        if not recipe.path.is_file():
            assets.build_recipe(recipe)
    for name in tools.PROGRAMS:
        try:
            tools.program(name)
        except tools.Missing as missing:
            raise Missing(str(missing)) from missing


def obstacles() -> Iterator[str]:
    """Say what keeps a node from running here, each with the remedy; nothing where it can."""
    if os.uname().sysname != "Linux":
        yield "a node runs on Linux"
        return
    if os.geteuid() != 0:
        yield "a node needs root: run it as root"
    absent = {package for name, package in DEBIAN.items() if shutil.which(name) is None}
    if not _CNI.exists():
        absent.add("containernetworking-plugins")
    if absent:
        yield f"needs {', '.join(sorted(absent))}: apt-get install {' '.join(sorted(absent))}"


def link(folder: Path) -> None:
    """Put all of them into one folder: containerd finds its shim there."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [recipe.path for recipe in recipes().values()]
    for path in (*paths, *(tools.program(name) for name in tools.PROGRAMS)):
        place = folder / path.name
        place.unlink(missing_ok=True)
        place.symlink_to(path)
