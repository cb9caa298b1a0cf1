"""A node: images made from nothing, and `podman play kube` for the pods that were admitted."""

import copy
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import initshim
from tests.c_programs import compiled
from tests.integration.images.store import Store
from tests.unit.core.kubelet import expand, variables

Json = dict[str, Any]
HERE = Path(__file__).parent
REAPER = "localhost/reaper:1"
IMAGES = {
    "scratch": {"Entrypoint": ["/witness"], "Cmd": ["from-cmd"]},
    "dollars": {"Entrypoint": ["/witness", "$(HOME)", "$$HOME"], "Cmd": ["$"]},
    "unknown": {},
}
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of one container."""

    exit: int
    log: str

    @property
    def lines(self) -> list[str]:
        """What it printed, line by line; a terminal ends lines with CR LF."""
        return [line.rstrip("\r") for line in self.log.split("\n")]

    @property
    def zombies(self) -> int:
        """How many zombies the witness counted."""
        return int(next(x for x in self.lines if x.startswith("zombies: ")).split()[1])


class Node:
    """One container store and the pods that run on it."""

    def __init__(self, folder: Path, busybox: str) -> None:
        self._store = Store(folder)
        self._folder = folder
        witness = compiled(HERE / "witness.c")
        self._image(REAPER, {"/init": initshim.path()}, {"Entrypoint": ["/init"]}, "65532:65532")
        for name, config in IMAGES.items():
            self._image(f"localhost/{name}:1", {"/witness": witness}, config)
        applets = {f"/bin/{name}": Path(busybox) for name in ("sh", "echo", "sleep")}
        self._image("localhost/busybox:1", applets, {})

    def run(self, pod: Json, *, signal: str = "") -> dict[str, Ran]:
        """Run a pod to its end, as a kubelet would; `signal` is sent once a container is ready."""
        file = self._folder / "pod.json"
        file.write_text(json.dumps(for_podman(pod)))
        name = pod["metadata"]["name"]
        names = [each["name"] for each in for_podman(pod)["spec"]["containers"]]
        try:
            self._podman("play", "kube", "--network", "none", str(file))
            if signal:
                self._send(f"{name}-{names[0]}", signal)
            return {each: self._result(f"{name}-{each}") for each in names}
        finally:
            self._podman("pod", "rm", "--force", "--time", "0", name)

    def _send(self, container: str, signal: str) -> None:
        until = time.monotonic() + _PATIENCE
        while "ready" not in self._store.logs(container):
            assert time.monotonic() < until, f"{container} is never ready"
            time.sleep(0.05)
        self._podman("kill", "--signal", signal, container)

    def _result(self, container: str) -> Ran:
        code = int(self._podman("wait", container).split()[-1])
        return Ran(code, self._store.logs(container))

    def _podman(self, *words: str) -> str:
        return self._store.run("podman", *words)

    def _image(self, name: str, files: dict[str, Path], config: Json, user: str = "") -> None:
        container = self._store.run("buildah", "from", "scratch").strip()
        for place, source in files.items():
            self._store.run("buildah", "copy", "--chmod", "0755", container, str(source), place)
        orders = [f"--{key.lower()}={json.dumps(value)}" for key, value in config.items()]
        # containerd gives a container this PATH where its image has none; podman gives none.
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        self._store.run("buildah", "config", *orders, "--env", path, "--user", user, container)
        self._store.run("buildah", "commit", "--rm", container, name)


def for_podman(pod: Json) -> Json:
    """Do what the kubelet does and podman 4.3 does not.

    It expands `$(VAR)` in command and args. Native sidecars, which podman does not know, become
    containers: they start after the init containers here, too. Annotations, which it wants short,
    are left out.
    """
    pod = copy.deepcopy(pod)
    pod["metadata"].pop("annotations", None)
    spec = pod["spec"]
    spec.setdefault("restartPolicy", "Never")
    inits = spec.pop("initContainers", [])
    sidecars = [each for each in inits if each.pop("restartPolicy", "") == "Always"]
    once = [each for each in inits if each not in sidecars]
    if once:
        spec["initContainers"] = once
    spec["containers"] += sidecars
    for container in (*once, *spec["containers"]):
        known = variables(container)
        for key in ("command", "args"):
            if key in container:
                container[key] = [expand(word, known).decode() for word in container[key]]
    return pod
