"""The node's programs: what Go builds once, and what Debian has.

Each folder of `modules/` is a Go module that pins what is built from it; etcd is the control plane
tests' own. All are kept with those, outside of the tree. Which of them: `options.py`.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.chart import tools
from tests.integration.controlplane import assets
from tests.integration.controlplane.assets import KUBERNETES, Missing, Recipe
from tests.integration.node.options import (
    CRIO,
    KUBE_ROUTER,
    MODULES,
    kubelet_minor,
    minor,
    network,
    runtime,
)

_CONTAINERD = "github.com/containerd/containerd/v2"
_CRIO = "github.com/cri-o/cri-o"
_KUBE_ROUTER = "github.com/cloudnativelabs/kube-router/v2"
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
_DEBIAN_FOR = {CRIO: {"conmon": "conmon"}, KUBE_ROUTER: {"ipset": "ipset"}}
_CNI = Path("/usr/lib/cni/bridge")


def recipes() -> dict[str, Recipe]:
    """Give what Go builds, by program; containerd's shim and ctr stand beside containerd."""
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
    etcd = assets.recipes(minor())[1]  # no minor of Kubernetes has one of its own
    runs = _crio() if runtime() == CRIO else _containerd()
    between = _kube_router() if network() == KUBE_ROUTER else {}
    return {"etcd": etcd, **kubernetes, **runs, **between}


def _containerd() -> dict[str, Recipe]:
    return {
        name: Recipe(
            name,
            _CONTAINERD,
            f"{_CONTAINERD}/cmd/{name}",
            MODULES / "containerd",
            tags="no_btrfs,no_devmapper,no_zfs,no_aufs",
            stamped=f"{_CONTAINERD}/version.Version",
        )
        for name in ("containerd", "containerd-shim-runc-v2", "ctr")
    }


def _crio() -> dict[str, Recipe]:
    """Without C, as all here: it has no seccomp then, and reads signatures by Go's own OpenPGP."""
    tags = "containers_image_openpgp,exclude_graphdriver_btrfs"
    return {CRIO: Recipe(CRIO, _CRIO, f"{_CRIO}/cmd/{CRIO}", MODULES / "cri-o", tags=tags)}


def _kube_router() -> dict[str, Recipe]:
    name, package = KUBE_ROUTER, f"{_KUBE_ROUTER}/cmd/{KUBE_ROUTER}"
    stamped = f"{_KUBE_ROUTER}/pkg/version.Version"
    return {name: Recipe(name, _KUBE_ROUTER, package, MODULES / name, stamped=stamped)}


def pinns() -> Path:
    """Give the path of the program that pins a pod's namespaces: CRI-O's, in C, and static."""
    return assets.cache() / f"pinns-{_crio()[CRIO].version}" / "pinns"


def program(name: str) -> str:
    """Give the path of a built program."""
    return str(recipes()[name].path)


def build() -> None:
    """Build what is not there yet. Raises Missing that says where it stopped, and the remedy."""
    for recipe in recipes().values():
        if not recipe.path.is_file():
            assets.build_recipe(recipe)
    if runtime() == CRIO and not pinns().is_file():
        _build_pinns()
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
    needed = DEBIAN | _DEBIAN_FOR.get(runtime(), {}) | _DEBIAN_FOR.get(network(), {})
    absent = {package for name, package in needed.items() if shutil.which(name) is None}
    if not _CNI.exists():
        absent.add("containernetworking-plugins")
    if absent:
        yield f"needs {', '.join(sorted(absent))}: apt-get install {' '.join(sorted(absent))}"


def link(folder: Path) -> None:
    """Put all of them into one folder: containerd finds its shim there, CRI-O its pinns."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [recipe.path for recipe in recipes().values()]
    if runtime() == CRIO:
        paths.append(pinns())
    for path in (*paths, *(tools.program(name) for name in tools.PROGRAMS)):
        place = folder / path.name
        place.unlink(missing_ok=True)
        place.symlink_to(path)


def _build_pinns() -> None:
    """Compile it from the module that Go has fetched for CRI-O."""
    where = ["go", "list", "-m", "-f", "{{.Dir}}", _CRIO]
    found = subprocess.run(
        where, cwd=MODULES / "cri-o", env={**os.environ, "GOFLAGS": "-mod=readonly"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    sources = sorted(Path(found.stdout.strip(), "pinns", "src").glob("*.c"))
    zig = [sys.executable, "-m", "ziglang", "cc", "-target", f"{os.uname().machine}-linux-musl"]
    pinns().parent.mkdir(parents=True, exist_ok=True)
    beside = pinns().with_name(f".pinns.{os.getpid()}")
    options = ["-std=c99", "-Os", "-static", "-s", "-w", "-o", str(beside)]
    try:
        subprocess.run([*zig, *options, *map(str, sources)], check=True)
        beside.replace(pinns())
    finally:
        beside.unlink(missing_ok=True)
