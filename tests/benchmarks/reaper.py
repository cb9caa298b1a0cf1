"""The reaper beside its peers, in one run: `python tests/benchmarks/reaper.py`.

Every figure is a median with its quartiles; the inits take turns round by round, so that a machine
that drifts drifts for all of them. Writes docs/benchmarks/reaper.md and a picture beside it.
"""

import argparse
import os
import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks import measure
from tests.benchmarks.inits import Init, as_pid_1, found, probe, scheduled_as_in_containers
from tests.benchmarks.report import Figures, write

OUT = Path(__file__).parents[2] / "docs" / "benchmarks"


def main() -> None:
    """Measure all, print the table, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300, help="runs of /bin/true each")
    parser.add_argument("--orphans", type=int, default=5000, help="orphans per round")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    inits = found()
    with tempfile.TemporaryDirectory() as folder, scheduled_as_in_containers() as as_there:
        figures = measured(inits, probe(Path(folder)), given.rounds, given.orphans)
    if not as_there:
        print("Not root: sessions share the CPU, which favours dumb-init.", file=sys.stderr)
    print(write(figures, [init.name for init in inits], given.out))


def measured(inits: list[Init], probe: str, rounds: int, orphans: int) -> Figures:
    """Take every figure of every init."""
    figures: Figures = defaultdict(lambda: defaultdict(list))
    for init in inits:
        figures["file size, bytes"][init.name].append(init.path.resolve().stat().st_size)
        figures["idle wake-ups per second"][init.name].append(measure.idle_wake_ups(init))
        for field, kilobytes in measure.memory(init).items():
            figures[f"{field} while waiting, kB"][init.name].append(kilobytes)
    added(figures, inits, rounds, "added to /bin/true, µs", list)
    added(figures, inits, rounds, "added to /bin/true as PID 1, µs", as_pid_1)
    latencies(figures, inits, probe, rounds)
    for order in turns(inits, 15):
        for init in order:
            cpu = measure.cpu_per_orphan(init, probe, orphans)
            figures["CPU per reaped orphan, µs"][init.name].append(cpu * 1e6)
    return figures


def added(
    figures: Figures,
    inits: list[Init],
    rounds: int,
    name: str,
    how: Callable[[list[str]], list[str]],
) -> None:
    """Time /bin/true behind each init, less what it takes alone in the same round."""
    for order in turns(inits, rounds):
        alone = measure.added_time(how(["/bin/true"]))
        for init in order:
            behind = measure.added_time(how(init.before("/bin/true")))
            figures[name][init.name].append((behind - alone) * 1e6)


def latencies(figures: Figures, inits: list[Init], probe: str, rounds: int) -> None:
    """Time a SIGTERM through each init, and without any: on one CPU, and on any.

    On any, one start of an init is mostly quick and the next mostly slow: that takes more turns.
    """
    one = {min(os.sched_getaffinity(0))}
    for where, cpus, times in (("one CPU", one, 40), ("any CPU", None, 100)):
        name = f"SIGTERM until the program has it, {where}, µs"
        with measure.on(cpus):
            for order in turns(inits, times):
                for each in measure.latency([probe, "latency"], rounds // 10, pid_1=False):
                    figures[name]["(direct)"].append(each * 1e6)
                for init in order:
                    command = init.before(probe, "latency")
                    for each in measure.latency(command, rounds // 10, pid_1=True):
                        figures[name][init.name].append(each * 1e6)


def turns(inits: list[Init], rounds: int) -> list[list[Init]]:
    """Give an order of the inits for each round: nobody is always the first."""
    chance = random.Random(1)
    return [chance.sample(inits, len(inits)) for _ in range(rounds)]


if __name__ == "__main__":
    main()
