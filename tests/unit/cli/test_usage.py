"""Command lines that can't be understood: exit code 2, one line, in our words."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from webhook.cli.main import app

START = "from webhook.cli import start; start()"


def run(*words: str, **streams: Any) -> subprocess.CompletedProcess[str]:
    """Run it as a program, its standard error read, with these streams beside."""
    command = [sys.executable, "-c", START, *words]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, **streams)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nope",), "initshim: No such command 'nope'. See initshim --help.\n"),
        (
            ("audit", "--nope"),
            "initshim audit: No such option '--nope'. See initshim audit --help.",
        ),
        (
            ("audit", "--fail-on", "x"),
            "initshim audit: Invalid value for '--fail-on': 'x' is not one",
        ),
        (
            ("doctor", "--timeout", "0"),
            "initshim doctor: Invalid value for '--timeout': 0.0 is not",
        ),
        (
            ("doctor", "--timeout", "soon"),
            "initshim doctor: Invalid value for '--timeout': 'soon' is",
        ),
        (("entrypoint",), "initshim entrypoint: Missing argument 'IMAGE'. See "),
        (("audit", "--what-if", "a", "-n", "b"), "initshim audit: --what-if is a question of its"),
        (("audit", "--reaped", "--restart"), "initshim audit: --reaped is a question of its own"),
        (("leaks", "--exec", "--dry-run"), "initshim leaks: --exec makes no pods"),
        (
            ("leaks", "--watch", "1.5"),
            "initshim leaks: Invalid value for '--watch': '1.5' is no time: write 30, 90s, 10m",
        ),
        (("leaks", "--watch", "2h"), "initshim leaks: Invalid value for '--watch': '2h' is not"),
        (("leaks", "--watch", "0s"), "initshim leaks: Invalid value for '--watch': '0s' is not"),
        (
            ("serve", "--port", "70000"),
            "initshim serve: Invalid value for '--port': 70000 is not in",
        ),
        (("inject", "--in-place"), "initshim inject: --in-place needs files, and prints neither"),
        (("inject", "-i", "-f", "x", "--diff"), "initshim inject: --in-place needs files"),
        (
            ("inject", "--delivery", "x"),
            "initshim inject: Invalid value for '--delivery': 'x' is not",
        ),
        (("inject", "--template-path", "x"), "initshim inject: --template-path must be KIND=path"),
        (("inject", "--image-config", "x"), "initshim inject: --image-config must be IMAGE=FILE"),
        (("audti",), "initshim: No such command 'audti'. Did you mean 'audit'? See initshim --"),
        (("audit", "-n"), "initshim audit: Option '-n' requires an argument. See initshim audit "),
        (("audit", "-n", ""), "initshim audit: Invalid value for '--namespace' / '-n': '' is no "),
        (("audit", "--what-if", "Shop"), "initshim audit: Invalid value for '--what-if': 'Shop'"),
        (("doctor", "-n", "a.b"), "initshim doctor: Invalid value for '--namespace' / '-n': 'a.b'"),
        (
            ("doctor", "--timeout", "nan"),
            "initshim doctor: Invalid value for '--timeout': 'nan' is not a number. See ",
        ),
        (("leaks", "--node", "a b"), "initshim leaks: Invalid value for '--node': 'a b' is no nod"),
        (("leaks", "--pods-in", "-"), "initshim leaks: Invalid value for '--pods-in': '-' is no n"),
        (("leaks", "--image", "A"), "initshim leaks: Invalid value for '--image': 'A' is no image"),
        (
            ("inject", "--reaper-image", "A B"),
            "initshim inject: Invalid value for '--reaper-image': 'A B' is no image reference: ",
        ),
        (
            ("inject", "--lookups"),
            "initshim inject: No such option '--lookups'. Did you mean '--lookup'? See initshim ",
        ),
        (("entrypoint", "A"), "initshim entrypoint: Invalid value for 'IMAGE': 'A' is no image "),
        (("serve", "--ca-out", "x"), "initshim serve: --ca-out goes with --dev. See initshim "),
    ],
)
def test_a_wrong_command_line_is_said_in_one_style(words: tuple[str, ...], said: str) -> None:
    result = CliRunner().invoke(app, list(words), prog_name="initshim")
    assert result.exit_code == 2
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == 1
    assert result.stderr.endswith(" --help.\n")
    assert result.stdout == ""
    assert not re.search("Input should|Value error|parse", result.stderr)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["initshim", "in"], ["inject"]),
        (["initshim", "inject", "--de"], ["--delivery"]),
        (["initshim", "audit", "--fail-on", "mi"], ["missed"]),
        (["initshim", "inject", "--delivery", "i"], ["initContainer", "imageVolume"]),
    ],
)
def test_a_shell_completes_commands_options_and_their_values(
    typed: list[str], offered: list[str]
) -> None:
    environ = {
        "_INITSHIM_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(typed),
        "COMP_CWORD": str(len(typed) - 1),
    }
    result = CliRunner().invoke(app, [], prog_name="initshim", env=environ)
    assert [line.partition(",")[2] for line in result.stdout.splitlines()] == offered


@pytest.mark.parametrize("command", ["serve", "inject", "entrypoint", "audit", "doctor", "leaks"])
def test_help_fits_80_columns_and_keeps_its_lists(command: str) -> None:
    said = CliRunner().invoke(app, [command, "--help"], prog_name="initshim", terminal_width=80)
    assert said.exit_code == 0
    lines = [line.strip() for line in said.stdout.splitlines()]
    assert max(map(len, said.stdout.splitlines())) <= 80
    assert [line for line in lines if " - initshim" in line or " - kubectl" in line] == []
    told = said.stdout.partition("Options:")[0].splitlines()[1:]
    assert {len(line) - len(line.lstrip()) for line in told if line} == {2}  # no line of its own
    assert [line for line in told if re.search(r"\S {2}", line)] == []


def test_without_a_command_the_help_is_shown_and_nothing_was_done() -> None:
    said = CliRunner().invoke(app, [], prog_name="initshim")
    assert said.exit_code == 2
    assert said.stdout.startswith("Usage: initshim [OPTIONS] COMMAND")
    assert said.stderr == ""


@pytest.mark.slow  # it starts programs
@pytest.mark.parametrize("words", [(), ("--help",), ("audit", "--help")])
def test_who_stops_reading_is_told_nothing(words: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as out:
        done = run(*words, stdout=out)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.slow
@pytest.mark.parametrize("words", [(), ("--help",), ("audit", "--help"), ("--version",)])
def test_a_help_that_cannot_be_written_is_no_success(words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as out:
        done = run(*words, stdout=out)
    said = "initshim: standard output can't be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, said)


@pytest.mark.slow
def test_inject_waits_for_nobody_to_type_a_manifest() -> None:
    ours, theirs = os.openpty()
    done = run("inject", stdin=theirs, stdout=subprocess.DEVNULL)
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 2
    said = "initshim inject: there is nothing to read: name a file or folder with -f. See "
    assert done.stderr == f"{said}initshim inject --help.\n"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "said"), [("initshim", "initshim"), ("kubectl-x", "kubectl")])
def test_where_a_library_is_missing_it_says_what_to_install(name: str, said: str) -> None:
    """And it names itself as it was called."""
    for missing, told in (("yaml", "the module yaml is missing"), ("no", f"Usage: {said}")):
        code = f"import sys; sys.argv[0] = {name!r}; sys.modules[{missing!r}] = None; {START}"
        done = subprocess.run(
            [sys.executable, "-c", code, *(["doctor"] if missing == "yaml" else [])],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert told in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
