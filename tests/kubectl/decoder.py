"""kubectl's decoder as a program that is asked: built with Go, a line each way.

What was built once is kept where the reaper's build keeps its own, by what it is made of.
"""

import base64
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from initshim.cache import cache_folder, made_once

SOURCES = Path(__file__).with_name("go")
NEWEST = "go.mod"
OLDER = "kubectl-1.31.mod"
HAS_GO = shutil.which("go") is not None


@dataclass(frozen=True, slots=True)
class Answer:
    """The objects that kubectl reads before the error, "" for none."""

    documents: list[Any]
    error: str


@dataclass(frozen=True, slots=True)
class Decoder:
    """A running program."""

    questions: IO[bytes]
    answers: IO[bytes]

    def read(self, text: bytes) -> Answer:
        """Ask what kubectl reads."""
        self.questions.write(base64.b64encode(text) + b"\n")
        self.questions.flush()
        answer = json.loads(self.answers.readline())
        return Answer(answer["documents"], answer.get("error", ""))


@contextmanager
def decoder(modules: str, *, sources: Path = SOURCES) -> Iterator[Decoder]:
    """Run the program, built where it is not there yet, and end it."""
    program = built(modules, sources)
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdin
        assert running.stdout
        yield Decoder(running.stdin, running.stdout)
        running.stdin.close()
        running.wait(timeout=60)


def built(modules: str, sources: Path) -> Path:
    """Give the program that these sources make with this choice of modules."""
    made_of = hashlib.sha256(modules.encode())
    for file in sorted({*SOURCES.rglob("*.*"), *sources.rglob("*.*")}):
        made_of.update(str(file.relative_to(SOURCES.parents[1])).encode() + file.read_bytes())
    kept = cache_folder() / made_of.hexdigest() / modules.removesuffix(".mod")
    with made_once(kept) as missing:
        if missing:
            beside = kept.with_suffix(".new")
            subprocess.run(
                ["go", "build", f"-modfile={modules}", "-buildvcs=false", "-o", beside, "."],
                cwd=sources, check=True, env={**os.environ, "CGO_ENABLED": "0"},
            )  # fmt: skip
            beside.rename(kept)
    return kept


def plain(value: Any) -> Any:
    """Give a value in which numbers are the same when JSON has them the same."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return value
