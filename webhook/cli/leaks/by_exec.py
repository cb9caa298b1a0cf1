"""Look from inside: run what a container has (a shell, an interpreter, cat) and read its /proc.

For clusters that allow no pods on nodes. What no program can look into is said, not guessed.
Rights: list pods; get and create pods/exec.
"""

import asyncio
import time
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from webhook.cli import output
from webhook.cli.audit.progress import Bar
from webhook.cli.leaks.observations import Observations, Observed
from webhook.cli.leaks.pods import Running, Sees
from webhook.cli.leaks.probes import PROBES, Probe
from webhook.cli.leaks.procfs import NotReadable, Reading, observed, reading
from webhook.core.errors import InitshimError
from webhook.kube.errors import Forbidden, NotStarted

Exec = Callable[[Running, tuple[str, ...]], Awaitable[str]]
"""Runs a command in a container and gives what it prints; raises KubeError."""

_NO_RIGHT = "no right to exec: get and create pods/exec"
_NODES_OWN = "it has hostPID and sees the whole node's processes"
_NO_PROGRAM = "nothing in the image can read /proc (no shell, no cat, no interpreter)"


@dataclass(frozen=True, slots=True)
class Timing:
    """A clock, and how to wait."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(frozen=True, slots=True)
class Inside:
    """What was seen in the containers, by node, and why others could not be looked into."""

    observations: tuple[Observations, ...]
    problems: tuple[str, ...]


async def observe_containers(
    containers: Mapping[str, Running],
    run: Exec,
    *,
    seconds: float,
    bar: Bar,
    at_once: int = 8,
    timing: Timing = Timing(),
) -> Inside:
    """Look into every container twice, `at_once` at a time."""
    apart, problems = _apart(containers)
    bar.begin("containers", len(apart))
    looks = _Looks(apart, run, seconds, bar, timing, problems)
    async with asyncio.TaskGroup() as workers:
        for _ in range(at_once):
            workers.create_task(looks.work())
    return looks.result()


def _apart(containers: Mapping[str, Running]) -> tuple[dict[str, Running], Counter[str]]:
    """Give those whose /proc is their own, or their pod's: of such a pod, one."""
    apart: dict[str, Running] = {}
    problems: Counter[str] = Counter()
    shared: set[tuple[str, str]] = set()
    for identity, container in containers.items():
        if container.sees is Sees.NODE:
            problems[_NODES_OWN] += 1
        elif container.sees is Sees.CONTAINER or container.key not in shared:
            apart[identity] = container
            shared.add(container.key)
    return apart, problems


@dataclass(frozen=True, slots=True)
class _Early:
    """A container that was looked into once: when, by what, and what was seen."""

    identity: str
    probe: Probe
    at: float
    seen: Reading


class _Looks:
    """The looks that workers share. A second look that is due goes before a first one.

    So the time between the two is what was asked for, however many containers there are.
    """

    def __init__(
        self,
        containers: Mapping[str, Running],
        run: Exec,
        seconds: float,
        bar: Bar,
        timing: Timing,
        problems: Counter[str],
    ) -> None:
        self._containers, self._run, self._seconds = containers, run, seconds
        self._bar, self._timing = bar, timing
        self._todo = iter(containers)
        self._early: deque[_Early] = deque()
        self._refused: set[str] = set()
        self._problems = problems
        self._seen: dict[str, Observed] = {}
        self._nodes: dict[str, tuple[int, int]] = {}

    async def work(self) -> None:
        """Look until nothing is left to look at."""
        while True:
            left = self._early[0].at + self._seconds - self._timing.clock() if self._early else None
            if left is not None and left <= 0:
                await self._second(self._early.popleft())
            elif (identity := next(self._todo, None)) is not None:
                await self._first(identity)
            elif self._early:
                await self._timing.sleep(
                    max(0.0, self._early[0].at + self._seconds - self._timing.clock())
                )
            else:
                return

    def result(self) -> Inside:
        """Give what was seen, by node."""
        by_node: dict[str, dict[str, Observed]] = defaultdict(dict)
        for identity, seen in self._seen.items():
            by_node[self._containers[identity].node][identity] = seen
        observations = tuple(self._of_node(*each) for each in by_node.items())
        return Inside(observations, tuple(_said(self._problems.most_common())))

    def _of_node(self, node: str, seen: Mapping[str, Observed]) -> Observations:
        tasks, most = self._nodes.get(node, (0, 0))
        return Observations(seconds=self._seconds, containers=seen, tasks=tasks, most=most)

    async def _first(self, identity: str) -> None:
        container = self._containers[identity]
        try:
            if container.workload.namespace in self._refused:
                raise Forbidden(_NO_RIGHT)
            probe, seen = await _first_that_runs(container, self._run)
            self._early.append(_Early(identity, probe, self._timing.clock(), seen))
        except InitshimError as error:
            self._done(container, self._problem(container, error))

    async def _second(self, early: _Early) -> None:
        container = self._containers[early.identity]
        try:
            seen = reading(await self._run(container, early.probe.command))
            seconds = self._timing.clock() - early.at
            self._seen[early.identity] = observed(early.seen, seen, seconds=seconds)
            if seen.node_tasks and seen.node_most:
                self._nodes[container.node] = seen.node_tasks, seen.node_most
            self._done(container)
        except InitshimError as error:
            self._done(container, self._problem(container, error))

    def _done(self, container: Running, problem: str = "") -> None:
        if problem:
            self._problems[problem] += 1
        self._bar.step(f"{container.workload.namespace}/{container.pod}")

    def _problem(self, container: Running, error: InitshimError) -> str:
        if isinstance(error, Forbidden):
            self._refused.add(container.workload.namespace)  # the next one would be, too
            return _NO_RIGHT
        return _NO_PROGRAM if isinstance(error, NotStarted) else str(error)


async def _first_that_runs(container: Running, run: Exec) -> tuple[Probe, Reading]:
    """Try one program after the other. Raises NotStarted where the image has none of them."""
    unread: NotReadable | None = None
    for probe in PROBES:
        try:
            return probe, reading(await run(container, probe.command))
        except NotStarted:
            continue
        except NotReadable as error:
            unread = error
    raise unread or NotStarted(_NO_PROGRAM)


def _said(problems: Iterable[tuple[str, int]]) -> Iterable[str]:
    for problem, count in problems:
        yield f"{output.counted(count, 'container')} not looked into: {problem}"
