"""Thousands of nodes and pods: few at a time, little of each kept, twice as many twice the work."""

import asyncio
import sys
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.fakes import proc_folder
from tests.fakes.many_pods import (
    ZOMBIES,
    ManyContainers,
    ManyNodes,
    ManyPods,
    Time,
    identity,
    pod,
)
from tests.fakes.proc_folder import Process
from webhook.cli.audit.owners import Workload
from webhook.cli.audit.progress import Bar
from webhook.cli.leaks import by_exec, by_nodes, procfs, run
from webhook.cli.leaks.by_nodes import Seen, Survey
from webhook.cli.leaks.findings import findings
from webhook.cli.leaks.pods import Inventory, Running
from webhook.core.policy import ClusterRules

pytestmark = pytest.mark.slow

SURVEY = Survey(namespace="initshim-leaks", run="1a2b", image="reaper", seconds=5, at_once=20)


class Noted(Bar):
    """A bar that notes what it would draw."""

    def __init__(self) -> None:
        super().__init__(None)
        self.total = 0
        self.steps: list[str] = []

    def begin(self, what: str, total: int) -> None:
        self.what, self.total = what, total

    def step(self, note: str = "") -> None:
        self.steps.append(note)


async def look_at(client: ManyNodes, count: int, bar: Bar) -> Seen:
    seen = Seen()
    nodes = [f"n{number}" for number in range(count)]
    await by_nodes.observe_nodes(client, nodes, SURVEY, bar, seen)  # type: ignore[arg-type]
    return seen


def running(count: int, containers: int = 1) -> dict[str, Running]:
    return {
        identity(number): Running(
            workload=Workload("shop", "Deployment", f"web{number % 50}", "apps/v1"),
            pod=f"p{number // containers}",
            container="app",
            node=f"n{number % 100}",
            grace=30,
            wrapped=False,
        )
        for number in range(count)
    }


async def look_into(
    count: int, *, seconds: float = 0.0, at_once: int = 8, takes: float = 0.0
) -> Any:
    time = Time()
    world = ManyContainers(time, takes)
    bar = Noted()
    inside = await by_exec.observe_containers(
        running(count), world.run, seconds=seconds, bar=bar, at_once=at_once,
        timing=by_exec.Timing(time.clock, time.sleep),
    )  # fmt: skip
    return world, inside, bar


async def test_nodes_are_looked_at_a_few_at_a_time_and_all_of_them(census: Path) -> None:
    client, bar = ManyNodes(census), Noted()
    seen = await look_at(client, 3000, bar)
    assert client.most_pods == client.counted.most == SURVEY.at_once
    assert (len(seen.observations), seen.problems, client.pods) == (3000, [], {})
    assert client.counted.calls == {
        "create": 3000, "get": 3000, "log": 3000, "delete": 3000, "deletecollection": 1,
    }  # fmt: skip
    assert (bar.what, bar.total, len(set(bar.steps))) == ("nodes", 3000, 3000)
    inventory = Inventory(ClusterRules())
    for number in range(3000):
        inventory.add(pod(number))
    found = findings(seen.observations, inventory.running())
    assert (len(found.leaks), found.zombies) == (300, 3000 * ZOMBIES)
    assert {(leak.pods, leak.zombies) for leak in found.leaks} == {(10, 10 * ZOMBIES)}


async def test_containers_are_looked_into_a_few_at_a_time_and_all_of_them() -> None:
    world, inside, bar = await look_into(5000, at_once=13)
    assert world.counted.most == 13
    assert world.counted.calls == {"exec": 10_000}
    assert (bar.what, bar.total, len(bar.steps)) == ("containers", 5000, 5000)
    assert sum(len(node.containers) for node in inside.observations) == 5000
    assert {(node.tasks, node.most) for node in inside.observations} == {(900, 32768)}
    found = findings(inside.observations, running(5000))
    assert (found.zombies, found.containers) == (5000 * ZOMBIES, 5000)


async def test_the_time_between_two_looks_is_what_was_asked_for_however_many_there_are() -> None:
    """A first look waits for second ones that are due: else these would wait for all the others."""
    world, inside, _ = await look_into(4000, seconds=5.0, at_once=8, takes=0.01)
    late = 8 * 0.01 + 0.011
    for first, second in world.looked.values():
        assert 5.0 <= second - first <= 5.0 + late
    spans = [each.seconds for node in inside.observations for each in node.containers.values()]
    assert all(5.0 <= span <= 5.0 + late for span in spans)
    assert world.time.now < 4000 * 2 * 0.01 + 5.1


async def test_watching_for_long_takes_that_long_and_not_that_long_for_each() -> None:
    world, _, _ = await look_into(500, seconds=600.0, at_once=8, takes=0.01)
    assert 600 <= world.time.now < 600 + 500 * 2 * 0.01 + 0.1


@pytest.mark.parametrize(
    "look",
    [
        lambda census, count: look_at(ManyNodes(census), count, Bar(None)),
        lambda _, count: look_into(count),
        lambda _, count: run.inventory(ManyPods(count), (), ClusterRules()),  # type: ignore[arg-type]
    ],
    ids=["nodes", "containers", "pods"],
)
async def test_four_times_as_many_are_four_times_the_work(
    census: Path, look: Callable[[Path, int], Any]
) -> None:
    await look(census, 1)  # what is counted or printed once has been
    few, many = [await _calls(partial(look, census), count) for count in (250, 1000)]
    assert few > 250 * 10
    assert many < few * 4.2


async def _calls(look: Callable[[int], Any], count: int) -> int:
    """Count the calls of Python functions: the same on every machine."""
    calls = 0

    def noted(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(noted)
    try:
        await look(count)
    finally:
        sys.setprofile(None)
    return calls


async def test_little_of_each_pod_is_kept() -> None:
    """The API server's text of such a pod is 5 kB, as Python's dictionaries 20."""
    few, many = [await _peak(count) for count in (500, 2500)]
    assert (many - few) / 2000 < 2500


async def _peak(count: int) -> int:
    tracemalloc.start()
    try:
        inventory = await run.inventory(ManyPods(count), (), ClusterRules())  # type: ignore[arg-type]
        assert len(inventory.running()) == count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


async def test_of_a_first_look_no_more_is_kept_than_the_second_asks_for() -> None:
    processes = (Process(pid=pid, name="w", parent=1) for pid in range(1, 3000))
    crowded = "".join(f"T {proc_folder.stat(each)}" for each in processes)
    read = procfs.reading(crowded)
    assert (read.zombies, len(read.names), read.tasks) == ((), 1, 2999)


async def test_a_pod_that_does_not_end_is_given_up_and_the_others_are_told_of(
    census: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(by_nodes, "_START", -4.9)
    client, bar = ManyNodes(census, stuck={"n7"}), Noted()
    seen = await look_at(client, 60, bar)
    assert (len(seen.observations), len(bar.steps), client.pods) == (59, 60, {})
    (problem,) = seen.problems
    assert "Node n7: the pod" in str(problem)
    assert "did not end" in str(problem)


async def test_stopped_among_thousands_every_pod_is_deleted(census: Path) -> None:
    stuck = {f"n{number}" for number in range(2000)}
    client = ManyNodes(census, stuck=stuck, awaited=SURVEY.at_once)
    looking = asyncio.create_task(look_at(client, 2000, Bar(None)))
    await client.full.wait()
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert client.pods == {}
    assert client.counted.calls["create"] < 2 * SURVEY.at_once


async def test_a_pod_that_is_being_created_when_it_is_stopped_is_deleted(census: Path) -> None:
    """The API server makes it all the same: whoever only hangs up leaves it there."""

    asked = asyncio.Event()

    class Slow(ManyNodes):
        async def create(self, ref: Any, body: Any) -> Any:
            asked.set()
            await asyncio.sleep(0.05)
            return await super().create(ref, body)

    client = Slow(census)
    looking = asyncio.create_task(look_at(client, 5, Bar(None)))
    await asked.wait()
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert client.counted.calls["create"] > 0
    assert client.pods == {}
