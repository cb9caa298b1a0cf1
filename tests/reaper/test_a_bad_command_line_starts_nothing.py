"""Bad options: one clear line, exit 2, nothing started. And what --help and --version say."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

import initshim
from initshim.grammar import OPTIONS

if TYPE_CHECKING:
    from pathlib import Path

BAD = [
    "", "--", "-x", "--unknown", "-gx", "---", "--=", "-g=", "--kill-group=1", "--version=1",
    "-e", "-e 256", "-e -1", "-e 1x", "-e x", "-e ''", "--expect-exit", "--expect-exit=",
    "--expect-exit=300", "-e 99999999999999999999", "-e 4294967296", "-e 0x1", "-e ' 1'", "-r",
    "-r TERM", "-r TERM:", "-r :TERM", "-r :", "-r TERM:INT:HUP", "-r NOSUCH:1", "-r 1:NOSUCH",
    "-r 65:1", "-r 1:65", "-r -1:1", "-r 0:15", "-r TERM:RTMIN+40", "-r 1:4294967297", "-p",
    "-p NOSUCH", "-p 0", "-p 65", "-p ''", "-p -9", "-l", "-l -1", "-l x", "-l 1h", "-l ''",
    "-l 99999999999999999999", "-t", "--install", "--install=", "--exp 1", "--ver",
]  # fmt: skip


def run(elf: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(elf), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


@pytest.mark.parametrize("line", BAD)
def test_one_line_and_exit_2(elf: Path, line: str) -> None:
    words = shlex.split(line)
    alone = line in {"", "--"} or (len(words) == 1 and run_takes_value(words[0]))
    program = [] if alone else ["--", "echo", "started"]
    done = run(elf, *words, *program)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"initshim: [^\n]+\n", done.stderr)


def test_no_other_letter_is_an_option(elf: Path) -> None:
    known = {each.short.removeprefix("-") for each in OPTIONS if each.short}
    for letter in map(chr, range(1, 127)):
        if letter not in known and letter != "-":
            done = run(elf, f"-{letter}", "--", "echo", "started")
            assert (done.returncode, done.stdout) == (2, ""), letter


def test_a_long_signal_name_in_a_rewrite(elf: Path) -> None:
    """FROM has room for 15 characters, which every signal's name and number has."""
    assert run(elf, "-r", "SIGRTMIN+000003:TERM", "true").returncode == 0
    for size in (16, 17, 18, 40, 4000):
        rule = f"SIGRTMIN+{'3'.rjust(size - 9, '0')}:TERM"
        done = run(elf, "-r", rule, "echo", "started")
        assert (done.returncode, done.stdout) == (2, ""), size
        assert done.stderr.startswith("initshim: bad value 'SIGRTMIN+0")
        assert done.stderr.endswith("' for --rewrite (see initshim --help)\n")


def run_takes_value(word: str) -> bool:
    return word in {"-e", "--expect-exit", "-r", "-p", "-l", "-t", "--install"}


def test_the_line_names_the_culprit(elf: Path) -> None:
    assert "--unknown" in run(elf, "--unknown").stderr
    assert "'TERM:NOPE'" in run(elf, "-r", "TERM:NOPE", "true").stderr
    assert "'256'" in run(elf, "-e256", "true").stderr


@pytest.mark.parametrize(
    "options",
    [
        ["-gs"],
        ["-gvs"],
        ["-e1"],
        ["-ge1"],
        ["-e", "1", "-e", "2"],
        ["-vvg"],
        ["--linger=0"],
        ["-l0"],
        ["-r", "TERM:INT"],
        ["-rTERM:INT"],
        ["--rewrite", "15:0"],
        ["-p9"],
        ["--parent-death=KILL"],
        ["-t", "/none"],
        ["-t/none"],
        ["--termination-log=/none"],
        ["-r", "RTMIN:RTMAX"],
        ["-r", "SIGRTMIN+1:34"],
        ["-r", "64:RTMAX-2"],
    ],
    ids=" ".join,
)
def test_good_ones_in_every_spelling(elf: Path, options: list[str]) -> None:
    for end in ([], ["--"]):
        done = run(elf, *options, *end, "echo", "-x")
        assert (done.returncode, done.stdout) == (0, "-x\n")


@pytest.mark.parametrize("name", ["-x", "-v", "--version", "--help", "--"])
def test_after_two_dashes_no_word_is_an_option(elf: Path, name: str) -> None:
    done = run(elf, "--", name)
    assert (done.returncode, done.stdout) == (127, "")
    assert done.stderr == f"initshim: cannot run {name}: No such file or directory\n"


def test_after_the_program_no_word_is_an_option(elf: Path) -> None:
    done = run(elf, "-g", "printf", "%s,", "-e", "--", "--version")
    assert done.stdout == "-e,--,--version,"


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_version(elf: Path, flag: str) -> None:
    done = run(elf, flag)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"initshim {initshim.__version__}\n"


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_tells_every_option(elf: Path, flag: str) -> None:
    done = run(elf, flag)
    assert (done.returncode, done.stderr) == (0, "")
    words = set(re.findall(r"(?<![\w-])--?[\w-]*", done.stdout))
    assert {f"--{option.name}" for option in OPTIONS} | {"--"} <= words
    assert {option.short for option in OPTIONS if option.short} <= words


def test_every_option_that_help_tells_is_taken(elf: Path) -> None:
    told = set(
        re.findall(r"^ +(-\w)?,? *(--[\w-]+)( [A-Z:]+)?", run(elf, "--help").stdout, re.MULTILINE)
    )
    assert len(told) > 10
    values = {"CODE": "1", "FROM:TO": "1:1", "SECONDS": "0", "SIGNAL": "9", "FILE": "/none"}
    for short, name, value in told:
        if name in {"--all", "--install", "--help", "--version"}:
            continue
        for flag in filter(None, (short, name)):
            words = [flag, values[value.strip()]] if value else [flag]
            assert run(elf, *words, "echo", "ran").stdout == "ran\n", words


def test_closed_descriptors_change_no_code(elf: Path) -> None:
    """Bad is 2, said or not."""
    for closed in (">&-", "2>&-", "<&- >&- 2>&-"):
        command = ["sh", "-c", f'exec "$@" {closed}', "sh", str(elf), "--unknown"]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 2


def test_output_that_cannot_be_written_is_no_hang(elf: Path) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        for flag in ("--help", "--version"):
            assert subprocess.run([elf, flag], stdout=full, check=False).returncode in {0, 1, 125}
