"""What a pod's start costs, on the node of `make node`: `python tests/benchmarks/pod_start.py`.

From the POST to the program's first instruction, the kinds in turns. The program stamps its first
instruction; the steps between are containerd's and the API server's logs. One clock for all.
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks import start_steps
from tests.benchmarks.start_page import KINDS, write
from tests.integration.node import images
from tests.integration.node.cluster import BOX, Cluster
from tests.integration.node.layout import OPEN_REGISTRY
from tests.integration.node.node import Node

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]
OUT = Path(__file__).parents[2] / "docs" / "benchmarks"
REAPER = f"{OPEN_REGISTRY}/initshim/reaper:{images.version()}"
PLAIN, SHOP = "start-plain", "start-shop"
_PATIENCE = 60.0
_PAUSE = 0.4  # between two pods: what the last one leaves is not the next one's


@dataclass(frozen=True, slots=True)
class Start:
    """One pod's: when it was posted, when its program began."""

    name: str
    posted: float
    answered: float
    began: float


def main() -> None:
    """Measure all, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pods", type=int, default=40, help="of each kind")
    parser.add_argument("--first-pulls", type=int, default=10, help="of each kind")
    parser.add_argument("--kinds", nargs="*", default=list(KINDS))
    parser.add_argument("--as", dest="label", default="", help="keep beside: a kubelet's option")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    node = Node()
    if not node.running:
        print("left out: what a start costs needs a node: make node")
        return
    cluster = Cluster(node)
    cluster.install(images.values_file(node.layout))
    with Bench(cluster) as bench:
        for kind in given.kinds:  # images there, caches warm
            bench.start(kind, kind)
        starts: dict[str, list[Start]] = {kind: [] for kind in given.kinds}
        for number in range(given.pods):
            for kind in given.kinds:
                starts[kind].append(bench.start(kind, f"{kind}-{number}"))
        pulls: dict[str, list[Start]] = {}
        for number in range(given.first_pulls):
            for kind in ("init-container", "image-volume"):
                bench.forget(REAPER)
                pulls.setdefault(kind, []).append(bench.start(kind, f"{kind}-pull-{number}"))
        time.sleep(1)
        figures = {"there": _figures(node, starts), "first pull": _figures(node, pulls)}
    print(write(figures, given.out, given.label))


class Bench:
    """Pods of every kind, made as quick as the API answers, and taken away again."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._api = cluster.node.api()
        self._kinds = {name: _pod(name) for name in KINDS}
        self._kinds["image-volume"] = _injected(_pod("image-volume"))
        self._namespaces: list[Iterator[str]] = []
        self._run = f"{int(time.time()):x}"

    def __enter__(self) -> Self:
        labels = {"initshim.dev/inject": "enabled"}
        for name, more in ((PLAIN, {}), (SHOP, labels)):
            made = self._cluster.namespace(name, **more)
            next(made)
            self._namespaces.append(made)
        return self

    def __exit__(self, *_: object) -> None:
        self._api.close()
        for each in self._namespaces:
            next(each, None)

    def start(self, kind: str, name: str) -> Start:
        """Make one pod, wait for its program's first instruction, delete it."""
        name = f"{name}-{self._run}"  # a name of its own in logs that have other runs, too
        body = {**self._kinds[kind], "metadata": {**self._kinds[kind]["metadata"], "name": name}}
        namespace = SHOP if kind in ("init-container", "image-volume") else PLAIN
        path = f"/api/v1/namespaces/{namespace}/pods"
        posted = time.time()
        made = self._api.post(path, json=body)
        answered = time.time()
        assert made.status_code == 201, made.text
        found = made.json()
        _as_expected(kind, found["spec"])
        began = self._stamp(namespace, name, found["metadata"]["uid"])
        self._api.request("DELETE", f"{path}/{name}", json={"gracePeriodSeconds": 0})
        time.sleep(_PAUSE)
        return Start(name, posted, answered, began)

    def forget(self, image: str) -> None:
        """Take an image from the node, its content included."""
        program = str(self._cluster.node.layout.folder / "bin" / "ctr")
        ctr = (program, "-n", "k8s.io", "images")
        listed = self._cluster.node.call(*ctr, "list", "-q").split()
        repository = image.rpartition(":")[0]
        # Its name, its digest's name, and the config's digest by which the CRI knows it.
        inside = [each for each in listed if each.startswith(repository)]
        self._cluster.node.call(*ctr, "rm", "--sync", *inside)
        time.sleep(1)

    def _stamp(self, namespace: str, name: str, uid: str) -> float:
        log = self._cluster.node.layout.disk / f"var/log/pods/{namespace}_{name}_{uid}/app/0.log"
        until = time.time() + _PATIENCE
        while time.time() < until:
            try:
                words = log.read_text().split()  # time stream tag, then the program's own
                if len(words) >= 5:
                    return int(words[3]) / 1e9
            except OSError:
                pass
            time.sleep(0.02)
        raise TimeoutError(self._cluster.kubectl("-n", namespace, "describe", "pod", name))


def _pod(kind: str) -> Json:
    container = {"name": "app", "image": BOX, "command": ["/bin/stamp"]}
    spec: Json = {"containers": [container], "terminationGracePeriodSeconds": 0}
    if kind == "ends-at-once":  # what the node takes for any init container
        spec["initContainers"] = [{"name": "init", "image": REAPER, "args": ["--version"]}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": kind}, "spec": spec}


def _injected(pod: Json) -> Json:
    """Wrap it beforehand: an installation has one delivery, and both are measured in turns."""
    program = "from webhook.cli.main import app; app()"
    options = ("--delivery", "imageVolume", "--reaper-image", REAPER, "-o", "json")
    done = subprocess.run(
        [sys.executable, "-c", program, "inject", *options],
        input=json.dumps(pod), capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: Json = json.loads(done.stdout)
    return found


def _as_expected(kind: str, spec: Json) -> None:
    """Check that a pod is what its kind says: a bench of something else is worth nothing."""
    inits = [each["name"] for each in spec.get("initContainers", ())]
    images_ = [each for each in spec.get("volumes", ()) if "image" in each]
    wrapped = spec["containers"][0]["command"][0] == "/.initshim/init"
    expected = {
        "not-injected": ([], 0, False),
        "ends-at-once": (["init"], 0, False),
        "init-container": (["initshim"], 0, True),
        "image-volume": ([], 1, True),
    }
    assert (inits, len(images_), wrapped) == expected[kind], kind


def _figures(node: Node, starts: dict[str, list[Start]]) -> dict[str, dict[str, list[float]]]:
    """Give milliseconds by kind and step."""
    logs = node.layout.logs
    with (logs / "containerd.log").open() as lines:
        steps = start_steps.of_containerd(lines)
    start_steps.of_audit(logs / "audit.log", steps)
    figures: dict[str, dict[str, list[float]]] = {}
    for kind, listed in starts.items():
        per: dict[str, list[float]] = {}
        for each in listed:
            at = steps[each.name].at | {"posted": each.posted, "began": each.began}
            at["answered"] = each.answered
            for name, value in _between(at).items():
                per.setdefault(name, []).append(value * 1e3)
        figures[kind] = per
    return figures


def _between(at: dict[str, float]) -> dict[str, float]:
    """Give what each step took, seconds; those that a kind doesn't have are not there."""
    init = next((name for name in ("initshim", "init") if f"{name} asked" in at), "")
    pairs = {
        "POST to the first instruction": ("posted", "began"),
        "POST answered: admission, stored": ("posted", "answered"),
        "bound to the node": ("answered", "bound"),
        "seen by the kubelet": ("bound", "sandbox asked"),
        "sandbox made": ("sandbox asked", "sandbox made"),
        "init container asked for": ("sandbox made", f"{init} asked"),
        "init container created": (f"{init} asked", f"{init} created"),
        "init container started, run, ended": (f"{init} created", f"{init} ended"),
        "its end seen by the kubelet": (f"{init} ended", "app asked"),
        "program asked for": ("sandbox made", "app asked"),
        "program created": ("app asked", "app created"),
        "program's first instruction": ("app created", "began"),
    }
    if init:
        del pairs["program asked for"]
    return {name: at[b] - at[a] for name, (a, b) in pairs.items() if a in at and b in at}


if __name__ == "__main__":
    main()
