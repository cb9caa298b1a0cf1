"""From looks at processes to findings: who leaks, why, how fast, and who is deaf. No I/O."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from webhook.cli.audit.owners import Workload
from webhook.cli.leaks.capacity import Capacity, capacities_of, fullest, tasks_of_pods
from webhook.cli.leaks.observations import Observations, Observed, Term, Zombies
from webhook.cli.leaks.pods import Running

_HOUR = 3600.0


class Cause(StrEnum):
    """Who doesn't wait for the zombies, and what that means for initshim."""

    PID_1 = "pid-1"
    """PID 1 inherited them, or made them, and doesn't wait: the reaper would."""
    PARENT = "parent"
    """Another process made them, lives on and doesn't wait: no init can."""
    LATE = "late"
    """None was there at both looks: whoever made them waits, only later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Zombies of one container of a workload that have one cause, over all its pods.

    `hourly` is how many come more than go, in one hour, in all pods together. `room` is of the pod
    or node that is full first.
    """

    workload: Workload
    container: str
    cause: Cause
    pods: int
    zombies: int
    new: int
    hourly: float
    commands: tuple[tuple[str, int], ...]
    parents: tuple[str, ...]
    wrapped: bool
    room: Capacity | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deaf:
    """A container whose PID 1 has no handler for SIGTERM: each stop takes `grace` seconds."""

    workload: Workload
    container: str
    pods: int
    program: str
    grace: int
    ignored: bool
    """It says itself that it ignores SIGTERM: an init forwards it in vain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that was found; `unknown` counts zombies in containers that no listed pod has."""

    leaks: tuple[Leak, ...]
    deaf: tuple[Deaf, ...]
    containers: int
    zombies: int
    unknown: int
    elsewhere: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Seen:
    """A container as it was seen; `capacities` are its pod's and its node's, as far as is known."""

    of: Running
    observed: Observed
    seconds: float
    capacities: tuple[Capacity, ...]


def findings(
    nodes: Sequence[Observations],
    containers: Mapping[str, Running],
    limits: Mapping[str, int] | None = None,
) -> Findings:
    """Say who leaks, the fastest first, and who is deaf; `limits`: tasks of a pod, by node."""
    pods = tasks_of_pods(nodes, containers)
    seen: list[_Seen] = []
    unknown = zombies = 0
    for node in nodes:
        for identity, observed in node.containers.items():
            now = sum(each.now for each in observed.zombies)
            of = containers.get(identity)
            if of is None:
                unknown += now
                continue
            zombies += now
            capacities = tuple(capacities_of(of, pods[of.key], node, limits or {}))
            seen.append(_Seen(of, observed, observed.seconds or node.seconds, capacities))
    return Findings(
        leaks=tuple(sorted(_leaks(seen), key=_rank)),
        deaf=tuple(_deaf(seen)),
        containers=len(seen),
        zombies=zombies,
        unknown=unknown,
        elsewhere=sum(node.elsewhere for node in nodes),
        seconds=max((node.seconds for node in nodes), default=0.0),
    )


def _rank(leak: Leak) -> tuple[bool, float, int, Workload, str, Cause]:
    return (
        leak.cause is Cause.LATE,
        -leak.hourly,
        -leak.zombies,
        leak.workload,
        leak.container,
        leak.cause,
    )


def _cause(zombies: Zombies) -> Cause:
    if zombies.stayed == 0:
        return Cause.LATE
    return Cause.PID_1 if zombies.by_pid_1 else Cause.PARENT


def _leaks(seen: Iterable[_Seen]) -> Iterator[Leak]:
    rows: dict[tuple[Workload, str, Cause], list[tuple[_Seen, Zombies]]] = defaultdict(list)
    for one in seen:
        for zombies in one.observed.zombies:
            if zombies.now:
                rows[one.of.workload, one.of.container, _cause(zombies)].append((one, zombies))
    for (workload, container, cause), of_it in rows.items():
        commands: Counter[str] = Counter()
        for _, zombies in of_it:
            commands[zombies.name] += zombies.now
        yield Leak(
            workload=workload,
            container=container,
            cause=cause,
            pods=len({one.of.pod for one, _ in of_it}),
            zombies=commands.total(),
            new=sum(zombies.now - zombies.stayed for _, zombies in of_it),
            hourly=sum(_hourly(one, zombies) for one, zombies in of_it),
            commands=tuple(commands.most_common()),
            parents=tuple(sorted({zombies.parent for _, zombies in of_it if zombies.parent})),
            wrapped=any(one.of.wrapped for one, _ in of_it),
            room=fullest(_capacities(of_it)),
        )


def _hourly(one: _Seen, zombies: Zombies) -> float:
    if _cause(zombies) is Cause.LATE or one.seconds <= 0:
        return 0.0
    return max(0, zombies.now - zombies.before) / one.seconds * _HOUR


def _capacities(of_it: Sequence[tuple[_Seen, Zombies]]) -> Iterator[Capacity]:
    """Give each pod's and node's capacity, and how long it lasts if this leak alone fills it."""
    rates: dict[Capacity, float] = defaultdict(float)
    for one, zombies in of_it:
        for capacity in one.capacities:
            rates[capacity] += _hourly(one, zombies)
    for capacity, rate in rates.items():
        yield capacity.at_rate(rate)


def _deaf(seen: Iterable[_Seen]) -> Iterator[Deaf]:
    """Find PID 1s that don't handle SIGTERM; behind the reaper the kernel's default applies."""

    def key(one: _Seen) -> tuple[Workload, str, str, int, bool]:
        ignored = one.observed.term is Term.IGNORED
        return one.of.workload, one.of.container, one.observed.pid_1, one.of.grace, ignored

    deaf = [
        one
        for one in seen
        if one.observed.term in {Term.DEFAULT, Term.IGNORED} and not one.of.wrapped
    ]
    for (workload, container, program, grace, ignored), of_it in groupby(
        sorted(deaf, key=key), key=key
    ):
        yield Deaf(
            workload=workload,
            container=container,
            pods=len(list(of_it)),
            program=program,
            grace=grace,
            ignored=ignored,
        )
