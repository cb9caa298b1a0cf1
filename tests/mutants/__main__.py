"""python -m tests.mutants: put changes of the code on trial, room by room.

A run without --all takes a sample, chosen by --seed: the same seed tries the same changes of the
same code. It fails where less than --floor of a room's changes are noticed; those that
survivors.toml explains don't count.
"""

import argparse
import importlib
import os
import random
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests import leftovers
from tests.mutants import coverage_map
from tests.mutants.changes import AT_IMPORT, Change, changes
from tests.mutants.rooms import ROOMS, ROOT, Room
from tests.mutants.trial import Trial, Verdict, forked, run

REAPER = "reaper"
SURVIVORS = Path(__file__).with_name("survivors.toml")
# What all tests import, imported once. None of it imports ours.
LIBRARIES = (
    "anyio.pytest_plugin", "cryptography.x509", "httpcore", "httpx", "hypothesis",
    "pydantic", "pytest_timeout", "trustme", "uvloop", "xdist", "yaml",
)  # fmt: skip


def main() -> int:
    """Give 0 where every room reaches the floor."""
    options = _options()
    os.environ.setdefault("HYPOTHESIS_PROFILE", "quick")
    leftovers.end_with_this_process()
    explained = {each["change"] for each in tomllib.loads(SURVIVORS.read_text())["survivor"]}
    for library in LIBRARIES:
        importlib.import_module(library)
    failed = 0
    for name in options.room:
        failed |= _reaper(options) if name == REAPER else _room(name, options, explained)
    return failed


def _reaper(options: argparse.Namespace) -> int:
    """Its mutants are compiled: it has a way of its own to make and to run them."""
    own = ["--seed", str(options.seed), "--floor", str(options.floor), "--change", options.change]
    own += ["--all"] if options.all else ["--sample", str(options.sample)]
    command = [sys.executable, "-m", f"tests.mutants.{REAPER}", *own]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def _room(name: str, options: argparse.Namespace, explained: set[str]) -> int:
    room = ROOMS[name]
    sources = {module: file.read_text() for module, file in room.modules().items()}
    every = [each for module, source in sources.items() for each in changes(module, source)]
    every = [each for each in every if options.module in each.module]
    every = [each for each in every if options.change in each.name]
    open_ = [each for each in every if each.name not in explained]
    if not options.all:
        open_ = random.Random(options.seed).sample(open_, min(options.sample, len(open_)))
    print(f"{name}: {len(open_)} of {len(every)} changes, seed {options.seed}", flush=True)
    began = time.monotonic()
    verdicts = []
    for verdict in run(list(_trials(room, open_)), options.jobs, sources):
        verdicts.append(verdict)
        if verdict.survived:
            print(f"  {_line(verdict)}", flush=True)
        if len(verdicts) % 10 == 0:
            print(f"  {len(verdicts)} of {len(open_)} after {_since(began)}", flush=True)
    killed = sum(not verdict.survived for verdict in verdicts)
    share = killed / len(verdicts) if verdicts else 1.0
    print(f"{name}: {killed} of {len(verdicts)} noticed, {share:.1%}, in {_since(began)}")
    return int(share < options.floor)


def _trials(room: Room, chosen: list[Change]) -> Iterator[Trial]:
    files = room.modules()
    known = _map(room)
    for change in chosen:
        file = str(files[change.module])
        tests = known.tests(file, change.line, change.inside)
        if change.inside == AT_IMPORT or known.needs_all(file, change.line):
            tests += [*room.pages, *(each for each in known.fastest_first if each not in tests)]
        yield Trial(change, tests, known.seconds)


def _map(room: Room) -> coverage_map.Map:
    tests = [test for test in room.tests if (ROOT / test).exists()]
    sources = [str(file) for file in room.modules().values()]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "map.json")
        said = Path(folder, "pytest.log")
        pid = forked(lambda: coverage_map.measure(tests, sources, out), output=str(said))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code:
            print(said.read_text()[-4000:])
            sys.exit(f"The tests fail before anything is changed: pytest {' '.join(tests)}")
        return coverage_map.read(out)


def _line(verdict: Verdict) -> str:
    change = verdict.change
    return f"survived {verdict.tests:4} tests: line {change.line}: {change.name}"


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.0f} s"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--room", action="append", choices=[*ROOMS, REAPER])
    parser.add_argument("--module", default="", help="only modules with this in their name")
    parser.add_argument("--change", default="", help="only changes with this in their line")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sample", type=int, default=60, help="changes for each room")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--floor", type=float, default=0.9)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    options.room = options.room or [*ROOMS, REAPER]
    return options


if __name__ == "__main__":
    sys.exit(main())
