"""Read what a probe printed of a container's /proc (proc(5)). No I/O."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from webhook.cli.leaks.observations import Observed, Term, Zombies
from webhook.core.errors import InitshimError

_SIGTERM = 1 << 14  # signal 15
# A name is what a process says it is, parentheses and line breaks included. It has 15 bytes at the
# most (64 those of the kernel's threads), too few for the forty numbers that follow the right one.
_STAT = re.compile(
    r"^(?:T )?([0-9]+) \((.{0,64}?)\) ([A-Za-z]) ([0-9]+)((?: -?[0-9]+){40,})\s*$",
    re.MULTILINE | re.DOTALL,
)
_SIGNALS = re.compile(r"^(?:S )?Sig(Blk|Ign|Cgt):\s*([0-9a-f]{1,32})\s*$", re.MULTILINE)
_LOAD = re.compile(r"^(?:L )?[0-9.]+ [0-9.]+ [0-9.]+ [0-9]+/([0-9]+) [0-9]+\s*$", re.MULTILINE)
_LIMIT = re.compile(r"^(?:L )?([0-9]+)\s*$", re.MULTILINE)
_THREADS, _STARTED = 15, 17  # fields 20 and 22 of stat, counted from field 5


class NotReadable(InitshimError):
    """What a probe printed shows no processes."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process, as its line in /proc/PID/stat has it; `started` tells it from a later one."""

    pid: int
    name: str
    state: str
    parent: int
    threads: int
    started: int


@dataclass(frozen=True, slots=True)
class Reading:
    """One look into a container: of thousands of processes no more than is asked for later.

    `names` are PID 1's and those of the zombies' parents. `blocked`: PID 1 blocks SIGTERM.
    `node_tasks` and `node_most` are the
    node's, 0 where the container doesn't show them.
    """

    zombies: tuple[Process, ...]
    names: Mapping[int, str]
    tasks: int
    term: Term | None
    blocked: bool = False
    node_tasks: int = 0
    node_most: int = 0


def reading(printed: str) -> Reading:
    """Read what a probe printed. Raises NotReadable where PID 1 is not in it."""
    names: dict[int, str] = {}
    zombies: list[Process] = []
    tasks = 0
    for each in processes(printed):
        names[each.pid] = each.name
        tasks += max(1, each.threads)
        if each.state == "Z":
            zombies.append(each)
    if 1 not in names:
        raise NotReadable("the program that was run in it shows no PID 1")
    asked = {1, *(each.parent for each in zombies)} & names.keys()
    load = _LOAD.search(printed)
    term, blocked = _term(printed)
    return Reading(
        zombies=tuple(zombies),
        names={pid: names[pid] for pid in asked},
        tasks=tasks,
        term=term,
        blocked=blocked,
        node_tasks=int(load[1]) if load else 0,
        node_most=min(map(int, _LIMIT.findall(printed)), default=0),
    )


def observed(before: Reading, after: Reading, *, seconds: float = 0.0) -> Observed:
    """Put two looks together: what was there at both stayed."""
    early = {(each.pid, each.started) for each in before.zombies}
    names = {**before.names, **after.names}
    counts: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for each in before.zombies:
        counts[each.name, each.parent]["before"] += 1
    for each in after.zombies:
        counts[each.name, each.parent]["now"] += 1
        counts[each.name, each.parent]["stayed"] += (each.pid, each.started) in early
    zombies = tuple(
        Zombies(
            name=name,
            parent=names.get(parent, ""),
            by_pid_1=parent == 1,
            before=count["before"],
            now=count["now"],
            stayed=count["stayed"],
        )
        for (name, parent), count in counts.items()
    )
    return Observed(
        zombies=zombies,
        pid_1=names[1],
        # Who blocks a signal for good waits for it, as inits do. A C library blocks all signals
        # while it forks, so that one look is not enough.
        term=Term.HANDLED if before.blocked and after.blocked else after.term,
        tasks=after.tasks,
        seconds=seconds,
    )


def processes(printed: str) -> Iterator[Process]:
    """Give the processes whose lines are in a text; what is no such line is passed over."""
    for pid, name, state, parent, rest in _STAT.findall(printed):
        fields = rest.split()
        threads, started = int(fields[_THREADS]), int(fields[_STARTED])
        yield Process(int(pid), name, state, int(parent), threads, started)


def _term(printed: str) -> tuple[Term | None, bool]:
    """Tell what SIGTERM does to PID 1 by its sets of signals, and whether it blocks SIGTERM now."""
    sets = {name: int(number, 16) for name, number in _SIGNALS.findall(printed)}
    if "Cgt" not in sets:
        return None, False
    blocked = bool(sets.get("Blk", 0) & _SIGTERM)
    if sets["Cgt"] & _SIGTERM:
        return Term.HANDLED, blocked
    return Term.IGNORED if sets.get("Ign", 0) & _SIGTERM else Term.DEFAULT, blocked
