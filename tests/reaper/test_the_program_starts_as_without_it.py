"""What the program inherits: signals, descriptors, directory, environment, arguments, group."""

from __future__ import annotations

import itertools
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.reaper import kernel
from tests.reaper.process import namespace, python, shell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.reaper.process import Launcher

SIGNAL_STATES = [
    ("-", "-"),
    ("15,10,2", "-"),
    ("-", "1,2,3,13,20,21,22"),
    ("-", "17"),
    ("17", "17"),
    ("20,21,22", "-"),
    ("32,33,34,64", "34,35,63"),
    ("1,2,3,4,5,6,7,8,11,31", "1,15"),
    (
        ",".join(str(n) for n in kernel.FORWARDABLE),
        ",".join(str(n) for n in range(1, 32) if n not in {9, 19}),
    ),
]


def both(
    reaper: Launcher, argv: Sequence[str], wrap: Sequence[str] = (), *, pid1: bool = False
) -> tuple[str, str]:
    """What a program says with and without the reaper between it and the wrapper."""
    prefix = namespace() if pid1 else []
    bare = subprocess.run(
        [*prefix, *wrap, *argv], stdin=subprocess.DEVNULL, capture_output=True, check=True
    ).stdout.decode(errors="surrogateescape")
    done = reaper.run(argv, pid1=pid1, wrap=wrap)
    assert done.returncode == 0, done.stderr
    assert bare
    return bare, done.stdout


@pytest.mark.parametrize(("blocked", "ignored"), SIGNAL_STATES)
def test_signal_mask_and_ignored_signals(
    reaper: Launcher, pid1: bool, blocked: str, ignored: str
) -> None:
    wrap = python("with_signals.py", blocked, ignored)
    bare, under = both(reaper, ["grep", "^Sig[BI]", "/proc/self/status"], wrap, pid1=pid1)
    assert under == bare


def test_sigchld_ignored_by_whoever_started_it_does_not_hang_it(
    reaper: Launcher, pid1: bool
) -> None:
    wrap = python("with_signals.py", "-", "17")
    done = reaper.run(shell("(sleep 0 &); exit 6"), pid1=pid1, wrap=wrap)
    assert done.returncode == 6


def test_no_signal_is_caught_or_blocked_in_the_program(reaper: Launcher, terminal: bool) -> None:
    done = reaper.run(["cat", "/proc/self/status"], terminal=terminal)
    masks = dict(line.split(":\t") for line in done.stdout.splitlines())
    assert {masks[name] for name in ("SigPnd", "SigBlk", "SigIgn", "SigCgt")} == {"0" * 16}


@pytest.mark.parametrize(
    "closed", [c for n in range(4) for c in itertools.combinations((0, 1, 2), n)], ids=str
)
def test_descriptors_closed_ones_included(
    reaper: Launcher, tmp_path: Path, pid1: bool, closed: tuple[int, ...]
) -> None:
    said = tmp_path / "said"
    close = " ".join(f"{n}>&-" for n in closed)
    probe = python("say_descriptors.py", str(said))
    wrap = shell(f'exec 7</etc/passwd; exec "$@" {close}')
    prefix = namespace() if pid1 else []
    done = subprocess.run(
        [*prefix, *wrap, *probe], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert done.returncode == 44
    bare = said.read_text()
    assert reaper.run(probe, pid1=pid1, wrap=wrap).returncode == 44
    assert said.read_text() == bare
    assert "7 /etc/passwd\n" in bare


@pytest.mark.parametrize("closed", ["0>&-", "1>&-", "2>&-", "0>&- 1>&- 2>&-"])
def test_a_failed_exec_with_closed_descriptors(
    reaper: Launcher, tmp_path: Path, closed: str
) -> None:
    message = tmp_path / "message"
    message.touch()
    wrap = shell(f'exec "$@" {closed}')
    done = reaper.run(["/missing"], ("-vv", "-t", str(message)), wrap=wrap)
    assert done.returncode == 127
    assert message.read_text() == "initshim: cannot run /missing: No such file or directory\n"


def test_arguments_byte_for_byte(reaper: Launcher) -> None:
    words = [
        "",
        " ",
        "-g",
        "--",
        "--help",
        "a\nb",
        "$HOME",
        "é",
        "\udcff\udc80",
        "*",
        "x" * 100_000,
    ]
    for last in (["--", *words], words):
        argv = [*python("say_arguments.py"), *last]
        done = reaper.run(argv)
        assert done.stdout == "".join(f"{os.fsencode(w).hex()}\n" for w in last)


def test_argv_0_is_kept(reaper: Launcher) -> None:
    done = reaper.run(["tail", "-c", "+1", "/proc/self/cmdline"])
    assert done.stdout == "tail\0-c\0+1\0/proc/self/cmdline\0"


def test_without_the_two_dashes_the_first_word_is_the_program(reaper: Launcher) -> None:
    command = [str(reaper.executable), "sh", "-c", 'echo "$@"', "sh", "-g", "--", "-v"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "-g -- -v\n", "")


def test_environment_directory_limits_and_name(reaper: Launcher, pid1: bool) -> None:
    wrap = ("env", "-i", "B=2", "A=1", "PATH=/bin:/usr/bin", "LISTEN_PID=99", "E=", "A2=\udcff")
    for program in ("environ", "limits", "comm", "oom_score_adj", "loginuid", "personality"):
        bare, under = both(reaper, ["cat", f"/proc/self/{program}"], wrap, pid1=pid1)
        assert under == bare
    script = (
        "pwd; umask; ulimit -a; nice; grep -E "
        "'^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp|Cpus_allowed)' /proc/self/status"
    )
    bare, under = both(reaper, shell(script), ("nice", "-n", "3"), pid1=pid1)
    assert under == bare


def test_the_directory_is_the_one_it_was_started_in(reaper: Launcher, tmp_path: Path) -> None:
    assert reaper.run(["pwd"], cwd=tmp_path).stdout == f"{tmp_path}\n"


def test_the_program_leads_a_process_group_of_its_own(
    reaper: Launcher, pid1: bool, terminal: bool
) -> None:
    done = reaper.run(["cut", "-d ", "-f1,5", "/proc/self/stat"], pid1=pid1, terminal=terminal)
    pid, group = done.stdout.split()
    assert pid == group


@pytest.mark.usefixtures("namespaces")
def test_listen_pid_names_the_program(reaper: Launcher) -> None:
    script = "echo $$ $LISTEN_PID $LISTEN_FDS $LISTEN_PIDX"
    wrap = ("env", "LISTEN_PID=1", "LISTEN_FDS=2", "LISTEN_PIDX=1")
    pid, listen, count, other = reaper.run(shell(script), pid1=True, wrap=wrap).stdout.split()
    assert listen == pid != "1"
    assert (count, other) == ("2", "1")
    wrap = ("env", "LISTEN_PID=12", "LISTEN_FDS=2", "LISTEN_PIDX=1")
    assert reaper.run(shell(script), pid1=True, wrap=wrap).stdout.split()[1] == "12"
