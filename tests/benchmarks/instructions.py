"""Instructions per review, counted by callgrind: `python tests/benchmarks/instructions.py`.

A count hardly depends on the machine or on what else it does, so it can be held in a band: a
review that costs 3 % more than recorded, on the interpreter of the record, fails the run. Counted
is everything between the bytes of a request and those of its answer but TLS and the kernel.
"""

import argparse
import asyncio
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import uvloop

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.floors import FLOORS
from tests.benchmarks.parts import BUYS
from tests.benchmarks.reviews import MAIN
from webhook.server.log_lines import Log

RECORD = Path(__file__).with_suffix(".json")
BAND = 0.03
KINDS = {
    "commands": MAIN,
    "commands, 40 KB": ("40 KB, 20 containers", "commands"),
    "warm cache": (MAIN[0], "warm cache"),
    "opted out": (MAIN[0], "opted out"),
}
LIBRARIES = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "msgspec")
FLOOR = "raw ASGI"
WARM_UP = 300
COUNTED = 300


def main() -> None:
    """Count, compare with the record, and fail outside of the band."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", help="write the counts down")
    parser.add_argument("--kind", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.kind in BUYS:
        _repeat(given.kind)
        return
    if given.kind:
        from tests.benchmarks.inside import review_many

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as `serve` does
            sample = KINDS.get(given.kind, MAIN)
            floor = FLOORS.get(given.kind)
            runner.run(review_many(sample, floor, WARM_UP, COUNTED, between=_switch))
        return
    check(record=given.record)


def check(*, record: bool = False) -> None:
    """Count, write the counts down if asked, and exit where one is outside of the band."""
    if not shutil.which("valgrind"):
        print("instructions per review: not counted, for Debian's package valgrind is missing")
        return
    for floor in FLOORS:
        print(f"{floor:16} {count(floor):>10,} instructions, which no review here can be below")
    counts = {kind: count(kind) for kind in KINDS}
    if record:
        parts = {part: count(part) for part in BUYS}
        written = {
            "interpreter": interpreter(),
            "floor": count(FLOOR),
            "counts": counts,
            "parts": parts,
        }
        RECORD.write_text(json.dumps(written, indent=2) + "\n")
    sys.exit("\n".join(complaints(counts)) or None)


def count(kind: str) -> int:
    """Give the instructions that one review takes."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        valgrind = ["valgrind", "--tool=callgrind", "--instr-atstart=no"]
        program = [sys.executable, __file__, f"--kind={kind}"]
        subprocess.run(
            [*valgrind, f"--callgrind-out-file={out}", *program],
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
        totals = [line for line in out.read_text().splitlines() if line.startswith("totals:")]
    return int(totals[-1].split()[1]) // COUNTED


def complaints(counts: dict[str, int]) -> list[str]:
    """Print the counts beside the record; give a line for each one outside of the band."""
    record: dict[str, Any] = json.loads(RECORD.read_text())
    known = record["interpreter"] == interpreter()
    found = []
    for kind, counted in counts.items():
        change = counted / record["counts"][kind] - 1
        print(f"{kind:16} {counted:>10,} instructions per review, {change:+.1%} to the record")
        if known and abs(change) > BAND:
            found.append(f"{kind}: outside of {BAND:.0%}; if that is meant: --record")
    if not known:
        print(f"The record is of {record['interpreter']}, this is {interpreter()}: just for show.")
    return found


def interpreter() -> str:
    """Name the interpreter exactly, and the libraries on a review's way."""
    python = f"{platform.python_implementation()} {platform.python_version()} {platform.machine()}"
    return ", ".join([python, *(f"{name} {version(name)}" for name in LIBRARIES)])


def _repeat(part: str) -> None:
    """Do one part of a review's way over and over."""
    from tests.benchmarks.inside import Nowhere
    from tests.benchmarks.parts import parts

    do = parts(Log("info", "json", Nowhere()))[part]
    for _ in range(WARM_UP):
        do()
    _switch("on")
    for _ in range(COUNTED):
        do()
    _switch("off")


def _switch(state: str) -> None:
    """Switch counting on or off."""
    subprocess.run(
        ["callgrind_control", "-i", state, str(os.getpid())], check=True, capture_output=True
    )


if __name__ == "__main__":
    main()
