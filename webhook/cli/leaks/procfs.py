"""Read what a probe printed of a container's /proc (proc(5)). No I/O."""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass

from webhook.cli.leaks.observations import Observed, Term, Zombies
from webhook.core.errors import InitshimError

_SIGTERM = 1 << 14  # signal 15
_STAT = re.compile(r"(?:T )?([0-9]+) \((.*)\) ([A-Za-z]) ([0-9]+) (.*)")
_SIGNALS = re.compile(r"(?:S )?Sig(Blk|Ign|Cgt):\s*([0-9a-f]{1,32})\s*")
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
    """One look into a container."""

    processes: tuple[Process, ...]
    term: Term | None


def reading(printed: str) -> Reading:
    """Read what a probe printed. Raises NotReadable where PID 1 is not in it."""
    processes = tuple(filter(None, map(_process, printed.splitlines())))
    if all(each.pid != 1 for each in processes):
        raise NotReadable("the program that was run in it shows no PID 1")
    return Reading(processes, _term(printed))


def observed(before: Reading, after: Reading) -> Observed:
    """Put two looks together: what was there at both stayed."""
    early = {(each.pid, each.started) for each in before.processes if each.state == "Z"}
    names = {each.pid: each.name for each in (*before.processes, *after.processes)}
    counts: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for each in before.processes:
        if each.state == "Z":
            counts[each.name, each.parent]["before"] += 1
    for each in after.processes:
        if each.state == "Z":
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
        term=after.term,
        tasks=sum(max(1, each.threads) for each in after.processes),
    )


def _process(line: str) -> Process | None:
    found = _STAT.fullmatch(line.rstrip())
    if found is None:
        return None
    pid, name, state, parent, rest = found.groups()
    fields = rest.split()
    if len(fields) <= _STARTED or not (fields[_THREADS] + fields[_STARTED]).isdigit():
        return None
    return Process(int(pid), name, state, int(parent), int(fields[_THREADS]), int(fields[_STARTED]))


def _term(printed: str) -> Term | None:
    """Tell what SIGTERM does to PID 1, by its sets of caught, blocked and ignored signals.

    Who blocks a signal waits for it: sigwait and signalfd want it so, and inits are written so.
    """
    sets = {name: int(number, 16) for name, number in _SIGNALS.findall(printed)}
    if "Cgt" not in sets:
        return None
    if (sets["Cgt"] | sets.get("Blk", 0)) & _SIGTERM:
        return Term.HANDLED
    return Term.IGNORED if sets.get("Ign", 0) & _SIGTERM else Term.DEFAULT
