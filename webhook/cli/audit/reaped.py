"""What the reapers did: read `init:1234` from the name of each wrapped container's PID 1.

By exec of `cat /proc/1/comm`; a container whose image has no cat can't be asked. Rights: get and
create pods/exec.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby

from webhook.cli import output
from webhook.cli.audit.list_pods import Audited
from webhook.cli.audit.owners import Workload
from webhook.cli.audit.progress import Bar
from webhook.kube.errors import Forbidden, KubeError, Missing, NotStarted

Read = Callable[[str, str, str], Awaitable[str]]
"""Gives what `cat /proc/1/comm` prints in (namespace, pod, container); raises KubeError."""
COMMAND = ("cat", "/proc/1/comm")

_AT_ONCE = 8
_NAME = re.compile(r"init:([0-9]+)\s*")
_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Count:
    """One container of one pod: zombies reaped in so many hours; -1 where `problem` says why."""

    workload: Workload
    container: str
    pod: str
    reaped: int
    hours: float
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Leak:
    """One container of a workload, over all its pods that could be asked.

    `per_hour` is the mean of one pod; `worst` is the pod that reaped most.
    """

    workload: Workload
    container: str
    pods: int
    reaped: int
    per_hour: float
    worst: str


async def ask(pods: Iterable[Audited], read: Read, *, now: datetime, bar: Bar) -> tuple[Count, ...]:
    """Ask every wrapped container that runs, a few at once."""
    asked = [(pod, name) for pod in pods for name in pod.since]
    bar.begin("containers", len(asked))
    turn = asyncio.Semaphore(_AT_ONCE)
    refused: set[str] = set()

    async def one(pod: Audited, container: str) -> Count:
        async with turn:
            problem, reaped = "", -1
            if pod.namespace in refused:
                problem = _forbidden(pod.namespace)
            else:
                try:
                    problem, reaped = _understood(await read(pod.namespace, pod.name, container))
                except Forbidden:
                    refused.add(pod.namespace)  # the next one would be, too
                    problem = _forbidden(pod.namespace)
                except KubeError as error:
                    problem = _why(error)
        bar.step(f"{pod.namespace}/{pod.name}")
        hours = _hours(pod.since[container], now)
        return Count(pod.workload, container, pod.name, reaped, hours, problem)

    return tuple(await asyncio.gather(*(one(pod, name) for pod, name in asked)))


def ranked(counts: Sequence[Count]) -> list[Leak]:
    """Add up by workload and container; the one that leaks fastest comes first."""

    def key(count: Count) -> tuple[Workload, str]:
        return count.workload, count.container

    leaks = []
    known = sorted((each for each in counts if not each.problem), key=key)
    for (workload, container), group in groupby(known, key=key):
        of_it = list(group)
        worst = max(of_it, key=lambda count: count.reaped)
        reaped, hours = sum(each.reaped for each in of_it), sum(each.hours for each in of_it)
        rate = reaped / max(hours, 1 / 60)
        leaks.append(Leak(workload, container, len(of_it), reaped, rate, worst.pod))
    return sorted(leaks, key=lambda leak: (-leak.per_hour, leak.workload, leak.container))


def problems(counts: Iterable[Count]) -> list[str]:
    """Say who could not be asked, and why: a sentence a cause."""
    causes = Counter(each.problem for each in counts if each.problem)
    return [
        f"{output.counted(count, 'container')} not asked: {cause}"
        for cause, count in causes.most_common()
    ]


def ranking_data(leaks: Sequence[Leak], unasked: Sequence[str]) -> dict[str, object]:
    """Give the ranking as plain values."""
    return {
        "leaks": [{**asdict(each), "per_hour": round(each.per_hour, 3)} for each in leaks],
        "problems": list(unasked),
    }


def _understood(printed: str) -> tuple[str, int]:
    """Read the reaper's name: `init:0` until the first orphan, `init:1234` after 1,234."""
    name = _NAME.fullmatch(printed)
    if name is None:
        return "its PID 1 is not the reaper", -1
    return "", int(name[1])


def _forbidden(namespace: str) -> str:
    return (
        f"no right in namespace {namespace}: kubectl -n {namespace} create role initshim-exec "
        "--verb=get,create --resource=pods/exec"
    )


def _why(error: KubeError) -> str:
    if isinstance(error, NotStarted):
        return "its image has no cat (reading /proc/1/comm needs one)"
    if isinstance(error, Missing):
        return "the pod is gone"
    return "it did not answer"


def _hours(started: str, now: datetime) -> float:
    """Give for how long it has run; the API server writes RFC 3339 in UTC."""
    try:
        return max(0.0, (now - datetime.fromisoformat(started)).total_seconds()) / _HOUR
    except ValueError:
        return 0.0
