"""Random argument vectors: no crash, no hang, an explained code. `make fuzz` tries 100,000."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest

from initshim.grammar import OPTIONS

if TYPE_CHECKING:
    from pathlib import Path

FLAGS = [
    *(f"--{option.name}".encode() for option in OPTIONS),
    *(option.short.encode() for option in OPTIONS if option.short),
    b"-vv", b"-gvs", b"-e1", b"-rTERM:INT", b"-p0", b"-l0", b"-t/none", b"--expect-exit=7",
    b"--rewrite=1:2", b"--parent-death=TERM", b"--linger=0", b"--", b"-", b"---", b"--=", b"-=",
    b"",
]  # fmt: skip
VALUES = [
    b"0", b"1", b"255", b"256", b"-1", b"64", b"65", b"2147483648", b"18446744073709551616",
    b"TERM", b"SIGTERM", b"RTMIN", b"RTMIN+30", b"RTMAX-31", b"TERM:INT", b"1:0", b":", b"::",
    b"SIG", b"SIG:SIG", b"TERM:", b":0", b"%s%n", b"\xff", b"\n", b"/none", b"=",
]  # fmt: skip
PROGRAMS = [b"/bin/true", b"true", b"/none/such", b"", b"/", b"/etc/passwd"]
"""Harmless ones only: a random word might be the name of something that isn't."""
EXPLAINED = {0, 2, 125, 126, 127}


def vector(chance: random.Random) -> list[bytes]:
    """Options and values, real ones and noise, then mostly a program."""
    words = []
    for _ in range(chance.randrange(6)):
        match chance.randrange(8):
            case 0:
                size = chance.randrange(1, 12)
                words.append(b"-" + bytes(chance.randrange(1, 256) for _ in range(size)))
            case 1:
                words.append(chance.choice(FLAGS) + chance.choice(VALUES))
            case 2:
                words.append(b"--" + chance.choice(FLAGS).strip(b"-") * chance.choice([1, 2, 2000]))
            case 3 | 4:
                words += [chance.choice(FLAGS), chance.choice(VALUES)]
            case _:
                words.append(chance.choice(FLAGS))
    words = [w for w in words if b"install" not in w]
    if chance.randrange(4):
        words += [b"--"] * chance.randrange(2) + [chance.choice(PROGRAMS)]
    return words


def run(elf: Path, words: list[bytes], actions: list[tuple[int, ...]]) -> int:
    """Its exit code."""
    pid = os.posix_spawn(elf, [b"initshim", *words], {}, file_actions=actions)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def fuzz(elf: Path, seed: int, count: int) -> None:
    chance = random.Random(seed)
    null = os.open(os.devnull, os.O_RDWR)
    actions: list[tuple[int, ...]] = [(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)]
    seen = set()
    try:
        for _ in range(count):
            words = vector(chance)
            code = run(elf, words, actions)
            assert code in EXPLAINED, f"{code}: {words}"
            seen.add(code)
    finally:
        os.close(null)
    assert seen >= {0, 2, 126, 127}, "the vectors reach too little"


@pytest.mark.parametrize("seed", range(2))
def test_a_sample(elf: Path, seed: int) -> None:
    fuzz(elf, seed, 1_500)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 110))
def test_a_hundred_thousand(elf: Path, seed: int) -> None:
    fuzz(elf, seed, 10_000)


def test_no_arguments_at_all(elf: Path) -> None:
    pid = os.posix_spawn(elf, [b"initshim"], {}, file_actions=[(os.POSIX_SPAWN_CLOSE, 2)])
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 2


def test_a_thousand_options(elf: Path) -> None:
    words = [b"-v", b"-e", b"7", b"-r", b"1:2"] * 1000 + [b"--", b"sh", b"-c", b"exit 7"]
    null = os.open(os.devnull, os.O_RDWR)
    assert run(elf, words, [(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)]) == 0
    os.close(null)
