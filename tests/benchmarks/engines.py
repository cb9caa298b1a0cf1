"""What each engine costs a pod's creation: `python tests/benchmarks/engines.py`.

A real kube-apiserver and etcd, and the chart's objects for four namespaces: for one nobody does
anything, for the others the policy, the webhook, or both do. One client creates pods, batch by
batch, in turns; they are stored. Writes docs/benchmarks/engines.md and a picture beside it.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.engines_page import BOTH, NOTHING, POLICY, SHAPES, WAYS, WEBHOOK, write
from tests.benchmarks.report import Figures
from tests.integration.controlplane import assets, images
from tests.integration.controlplane.controllers import create, namespace, until
from tests.integration.controlplane.fleet import Fleet, webhook
from tests.integration.controlplane.images import Images
from tests.integration.controlplane.install import install
from tests.integration.controlplane.plane import ControlPlane, control_plane
from tests.integration.controlplane.policies import KINDS, objects, values
from tests.integration.registry.registries import in_thread
from webhook.core.argv import INIT

Json = dict[str, Any]
OUT = Path(__file__).parents[2] / "docs" / "benchmarks"
CONFIGURATION = "MutatingWebhookConfiguration"
_TICKS = os.sysconf("SC_CLK_TCK")
_SPACE = "engines-"
_LOOKED_UP = "nginx:1.27.2"  # the registry of the tests has it


@dataclass(frozen=True, slots=True)
class Bench:
    """One run."""

    plane: ControlPlane
    fleet: Fleet
    rounds: int
    pods: int
    figures: Figures


def main() -> None:
    """Measure all, print the table, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="turns of each engine")
    parser.add_argument("--pods", type=int, default=100, help="created in one turn")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    figures: Figures = defaultdict(lambda: defaultdict(list))
    with running() as (plane, fleet):
        measure(Bench(plane, fleet, given.rounds, given.pods, figures))
        version = ".".join(map(str, plane.version))
    print(write(figures, version, given.rounds, given.pods, given.out))


@contextmanager
def running() -> Iterator[tuple[ControlPlane, Fleet]]:
    """The newest control plane, two replicas of the webhook, and a namespace for each engine."""
    name = assets.names()[0]
    with (
        tempfile.TemporaryDirectory(prefix="engines-") as folder,
        control_plane(name, Path(folder)) as plane,
        in_thread(Images()) as registry,
    ):
        install(plane, images.values(registry.url, engine="webhook"))
        with webhook(plane, replicas=2) as fleet:
            called = published(plane)
            for way in WAYS:
                prepare(plane, way, called)
            yield plane, fleet


def published(plane: ControlPlane) -> Json:
    """Give the webhook's clientConfig, once it has published its CA."""
    path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/initshim"

    def read() -> Json:
        found: Json = plane.api.get(path).json()["webhooks"][0]["clientConfig"]
        return found

    until(lambda: read().get("caBundle"), seconds=60)
    return read()


def prepare(plane: ControlPlane, way: str, called: Json) -> None:
    """Apply what the chart renders for one engine, for a namespace of its own."""
    space = namespace(plane, _SPACE + way)
    if way != NOTHING:
        for each in objects(plane, values(space, engine=way), *KINDS, CONFIGURATION):
            if each["kind"] == CONFIGURATION:
                each["webhooks"][0]["clientConfig"] = called
            plane.kubectl("apply", "-f", "-", stdin=json.dumps(each))
        until(lambda: is_wrapped(create(plane, space, pod(SHAPES[0])).pod), seconds=60)
    clear(plane, space)


def pod(shape: str) -> Json:
    """Give a pod of a shape: three containers, 9 KB; the last one of some gives no command."""
    env = [{"name": f"VARIABLE_{n}", "value": "x" * 40} for n in range(40)]
    resources = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}}
    containers: list[Json] = [
        {"name": f"c{n}", "image": _LOOKED_UP, "env": env, "resources": resources,
         "command": ["/app", "--listen", ":8080"]}
        for n in range(3)
    ]  # fmt: skip
    if shape != SHAPES[0]:
        del containers[-1]["command"]
    return {"metadata": {"generateName": "pod-"}, "spec": {"containers": containers}}


def is_wrapped(stored: Json, at: int = 0) -> bool:
    """Tell whether a container runs through the reaper."""
    command: list[str] = stored["spec"]["containers"][at].get("command") or [""]
    return command[0] == INIT


def clear(plane: ControlPlane, space: str) -> None:
    """Delete the pods; nobody runs them, so they are gone at once."""
    done = plane.api.delete(f"/api/v1/namespaces/{space}/pods", params={"gracePeriodSeconds": "0"})
    assert done.status_code == 200, done.text


def measure(bench: Bench) -> None:
    """Take turns, in another order each round; the first round warms caches and is not counted."""
    chance = random.Random(1)
    for number in range(bench.rounds + 1):
        print(f"round {number} of {bench.rounds}", file=sys.stderr)
        for shape in SHAPES:
            for way in chance.sample(WAYS, len(WAYS)):
                turn(bench, way, shape, counted=number > 0)


def turn(bench: Bench, way: str, shape: str, *, counted: bool) -> None:
    """Create a batch, one pod after the other."""
    space, body = _SPACE + way, pod(shape)
    reviews, cpu = asked(bench.fleet), times(bench)
    waits, stored = [], {}
    for _ in range(bench.pods):
        begun = time.perf_counter()
        answer = bench.plane.api.post(f"/api/v1/namespaces/{space}/pods", json=body)
        waits.append((time.perf_counter() - begun) * 1e3)
        assert answer.status_code == 201, answer.text
        stored = answer.json()
    spent = [
        (after - before) / bench.pods * 1e3 for before, after in zip(cpu, times(bench), strict=True)
    ]
    check(way, shape, stored, asked(bench.fleet) - reviews, bench.pods)
    clear(bench.plane, space)
    if counted:
        bench.figures[f"latency, {shape}"][way] += waits
        bench.figures[f"API server, {shape}"][way].append(spent[0])
        bench.figures[f"webhook, {shape}"][way].append(spent[1])


def check(way: str, shape: str, stored: Json, reviews: float, pods: int) -> None:
    """What is measured has to have happened: who was asked, and which containers are wrapped."""
    looked_up = shape != SHAPES[0]
    called = way == WEBHOOK or (way == BOTH and looked_up)
    assert reviews == (pods if called else 0), (way, shape, reviews)
    last = called if looked_up else way != NOTHING
    wrapped = [is_wrapped(stored, at) for at in range(3)]
    assert wrapped == [way != NOTHING, way != NOTHING, last], (way, shape, wrapped)
    assert not (way == POLICY and called)


def asked(fleet: Fleet) -> float:
    """How many reviews the replicas have answered."""
    return sum(each.metric("initshim_reviews_total") for each in fleet.replicas)


def times(bench: Bench) -> tuple[float, float]:
    """Seconds of CPU that the API server has had, and the replicas together."""
    replicas = (each.pid for each in bench.fleet.replicas)
    return on_cpu(bench.plane.apiserver.pid), sum(map(on_cpu, replicas))


def on_cpu(pid: int) -> float:
    """Seconds of CPU that a process has had, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


if __name__ == "__main__":
    main()
