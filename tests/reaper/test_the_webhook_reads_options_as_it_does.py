"""initshim.dev/options: what the webhook lets through is what the reaper takes, and the reverse."""

from __future__ import annotations

import random
import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from initshim import grammar
from initshim.grammar import OPTIONS, Value
from webhook.core.annotations import OPTIONS as ANNOTATION
from webhook.core.annotations import pod_options
from webhook.core.errors import BadAnnotation

if TYPE_CHECKING:
    from pathlib import Path

NUMBERS = ["0", "1", "007", "255", "256", "1000000", "1000001", "-1", "1x", "0x1", "9" * 30, "٣"]
SIGNALS = [
    "TERM", "term", "SIGHUP", "sigusr1", "SIG15", "15", "64", "65", "RTMIN", "RTMIN+30", "RTMIN+31",
    "RTMAX", "RTMAX-30", "RTMAX-31", "RTMIN-1", "SIGRTMIN+3", "STKFLT", "POLL", "IOT", "\u017fys",
]  # fmt: skip
VALUES = [*NUMBERS, *SIGNALS, "", "TERM:INT", "1:0", "0:1", ":", "A:B:C", "x" * 40 + ":1"]


def words(chance: random.Random) -> list[str]:
    """A line of options that a pod may set, with good values, bad ones and none."""
    line = []
    for _ in range(chance.randrange(1, 4)):
        option = chance.choice([each for each in OPTIONS if each.pod and each.name != "all"])
        value = chance.choice(VALUES)
        if option.value is Value.REWRITE and chance.randrange(2):
            value = f"{chance.choice(SIGNALS)}:{chance.choice([*SIGNALS, '0'])}"
        elif option.value is Value.SIGNAL and chance.randrange(2):
            value = chance.choice(SIGNALS)
        elif option.value is not Value.REWRITE and chance.randrange(2):
            value = chance.choice(NUMBERS)
        match chance.randrange(5):
            case 0:
                line += [option.short, value] if option.value is not Value.NONE else [option.short]
            case 1:
                line.append(option.short + value)
            case 2:
                line.append(f"--{option.name}={value}")
            case 3:
                line += [f"--{option.name}", value]
            case _:
                line.append(f"--{option.name}"[: chance.randrange(3, 20)])
    return line


def webhook_takes(line: list[str]) -> bool:
    try:
        pod_options({ANNOTATION: shlex.join(line)}, {})
    except BadAnnotation:
        return False
    return True


def reaper_takes(elf: Path, line: list[str]) -> bool:
    command = [str(elf), *line, "--", "sh", "-c", "exit 9"]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    # 127: a word of the line was taken for the program. 0: `-e 9`.
    assert done.returncode in {0, 2, 9, 127}
    return done.returncode in {0, 9}


@pytest.mark.parametrize("seed", range(2))
def test_the_same_lines_are_good_for_both(elf: Path, seed: int) -> None:
    chance = random.Random(seed)
    lines = [words(chance) for _ in range(400)]
    differ = [line for line in lines if webhook_takes(line) != reaper_takes(elf, line)]
    # An option's own value may look like a `--`, which ends the options for the reaper alone.
    assert [line for line in differ if "--" not in line] == []
    taken = sum(map(webhook_takes, lines))
    assert 40 < taken < 360, "the lines reach too little"


def test_help_is_what_the_grammar_says(elf: Path) -> None:
    done = subprocess.run([elf, "--help"], capture_output=True, text=True, check=True)
    assert done.stdout == grammar.help_text()
    assert max(map(len, done.stdout.splitlines())) < 80


def test_each_letter_and_name_is_one_options() -> None:
    assert len({each.letter for each in OPTIONS}) == len({each.name for each in OPTIONS})
    assert all(re.fullmatch(r"[a-zA-Z+]", each.letter) for each in OPTIONS)
