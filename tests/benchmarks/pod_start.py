"""What a pod's start costs, on the node of `make node`: `python tests/benchmarks/pod_start.py`.

From the POST to the program's first instruction, the kinds in turns, each at moments spread evenly
over the second between two looks of the kubelet. The program stamps its first instruction; the
steps between are from the logs of containerd, kubelet and API server. One clock for all.
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Self

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks import kubelet_looks, start_steps
from tests.benchmarks.start_kinds import INJECTED, KINDS, REAPER, VARIANTS, as_expected, body
from tests.benchmarks.start_page import VARIED, Times, part, write
from tests.integration.node import images
from tests.integration.node.cluster import Cluster
from tests.integration.node.components.kubelet import GATES
from tests.integration.node.node import Node

OUT = Path(__file__).parents[2] / "docs" / "benchmarks"
PLAIN, SHOP = "start-plain", "start-shop"
_PATIENCE = 60.0
_PAUSE = 0.4  # between two pods: what the last one leaves is not the next one's
_SETTLES = 15.0  # a kubelet that has just started looks at all it has
_SEED = 17


@dataclass(frozen=True, slots=True)
class Start:
    """One pod's: when it was posted, when its program began."""

    name: str
    posted: float
    answered: float
    began: float


Starts = dict[str, list[Start]]


def main() -> None:
    """Measure all, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pods", type=int, default=40, help="of each kind")
    parser.add_argument("--variants", type=int, default=20, help="pods of each variant")
    parser.add_argument("--first-pulls", type=int, default=10, help="of each kind")
    parser.add_argument("--kinds", nargs="*", default=list(KINDS))
    parser.add_argument("--gates", nargs="*", default=["EventedPLEG"], help="the kubelet's, beside")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    if not Node().running:
        print("left out: what a start costs needs a node: make node")
        return
    cluster = Cluster(Node())
    cluster.install(images.values_file(cluster.node.layout))
    with Bench(cluster) as bench:
        for name, starts in _parts(bench, given):
            time.sleep(1)  # for the logs
            write({name: _figures(cluster.node, starts)}, given.out)
    print(part(given.out))


def _parts(bench: "Bench", given: argparse.Namespace) -> Iterator[tuple[str, Starts]]:
    """Measure one part of the page after the other."""
    yield "there", bench.rounds(given.kinds, given.pods)
    yield VARIED, bench.rounds(["ends-at-once", *VARIANTS], given.variants)
    yield "no token", bench.rounds(["no-token", "no-token-image-volume"], given.variants)
    for gate in given.gates:
        with _gate(gate):
            yield gate, bench.rounds(list(KINDS)[:-1], given.variants)
    yield "first pull", bench.pulls(given.first_pulls)


@contextmanager
def _gate(name: str) -> Iterator[None]:
    """Have the kubelet run with a feature gate that is off by default."""
    os.environ[GATES] = name
    try:
        _restart_kubelet()
        yield
    finally:
        del os.environ[GATES]
        _restart_kubelet()


def _restart_kubelet() -> None:
    Node().restart("kubelet")
    time.sleep(_SETTLES)


class Bench:
    """Pods of every kind, made as quick as the API answers, and taken away again."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._api = cluster.node.api()
        self._looks = kubelet_looks.Looks(cluster.node.layout.logs / "kubelet.log")
        self._chance = random.Random(_SEED)
        self._namespaces: list[Iterator[str]] = []
        self._made = count()
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

    def rounds(self, kinds: list[str], number: int) -> Starts:
        """Make so many pods of each kind, images there, caches warm, in a new order each time."""
        starts: Starts = {kind: [] for kind in kinds}
        phases = {kind: kubelet_looks.spread(number, self._chance) for kind in kinds}
        for kind in kinds:
            self.start(kind, kind, 0)
        for at in range(number):
            for kind in self._chance.sample(kinds, len(kinds)):
                starts[kind].append(self.start(kind, f"{kind}-{at}", phases[kind][at]))
        return starts

    def pulls(self, number: int) -> Starts:
        """Make so many pods on a node that has not our image yet."""
        kinds = sorted(INJECTED)
        phases = {kind: kubelet_looks.spread(number, self._chance) for kind in kinds}
        starts: Starts = {kind: [] for kind in kinds}
        for at in range(number):
            for kind in kinds:
                self.forget(REAPER)
                starts[kind].append(self.start(kind, f"{kind}-pull-{at}", phases[kind][at]))
        return starts

    def start(self, kind: str, name: str, phase: float) -> Start:
        """Make one pod, wait for its program's first instruction, delete it."""
        # A name of its own in logs that have other parts and other runs, too.
        name = f"{name}-{self._run}-{next(self._made)}"
        made = body(kind)
        made["metadata"]["name"] = name
        namespace = SHOP if kind in INJECTED else PLAIN
        path = f"/api/v1/namespaces/{namespace}/pods"
        self._looks.wait(phase)
        posted = time.time()
        answer = self._api.post(path, json=made)
        answered = time.time()
        assert answer.status_code == 201, answer.text
        found = answer.json()
        as_expected(kind, found["spec"])
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


def _figures(node: Node, starts: Starts) -> Times:
    """Give milliseconds by kind and step."""
    logs = node.layout.logs
    with (logs / "containerd.log").open() as lines:
        steps = start_steps.of_containerd(lines)
    start_steps.of_audit(logs / "audit.log", steps)
    with (logs / "kubelet.log").open(errors="replace") as lines:
        start_steps.add_ends_seen(kubelet_looks.ends_seen(lines), steps)
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
        "its end seen by the kubelet": (f"{init} ended", f"{init} seen"),
        "program asked for": (f"{init} seen" if init else "sandbox made", "app asked"),
        "program created": ("app asked", "app created"),
        "program's first instruction": ("app created", "began"),
    }
    return {name: at[b] - at[a] for name, (a, b) in pairs.items() if a in at and b in at}


if __name__ == "__main__":
    main()
