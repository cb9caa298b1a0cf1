"""--linger: after the program, TERM for the rest, a wait that ends early, then KILL."""

from __future__ import annotations

import os
import signal
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.reaper import kernel
from tests.reaper.process import python

if TYPE_CHECKING:
    from pathlib import Path

    from tests.reaper.process import Launcher

LONG = "100000"
"""Seconds that no test can wait: whoever passes ended early."""


def gone(pid: int) -> bool:
    return kernel.state(pid) == ""


@pytest.mark.parametrize(
    "flag", [("-l", LONG), ("--linger", LONG), (f"--linger={LONG}",), (f"-l{LONG}",)]
)
def test_who_heeds_term_may_finish(
    reaper: Launcher, tmp_path: Path, pid1: bool, flag: tuple[str, ...]
) -> None:
    done = reaper.run(python("leave_stray.py", "heeds", str(tmp_path), "7"), flag, pid1=pid1)
    assert done.returncode == 7
    assert sorted(p.name for p in tmp_path.iterdir()) == ["daemon", "group"]


def test_who_ignores_term_is_killed(reaper: Launcher, tmp_path: Path, pid1: bool) -> None:
    running = reaper.start(
        python("leave_stray.py", "ignores", str(tmp_path), "7"), ("-l", "1"), pid1=pid1
    )
    running.out.expect("strays")
    strays = kernel.children(running.child)
    assert len(strays) == 2
    running.out.expect("leaving")
    assert running.wait() == 7
    assert [p for p in strays if kernel.alive(p)] == []
    assert list(tmp_path.iterdir()) == []


def test_with_nobody_left_it_ends_at_once(reaper: Launcher, pid1: bool) -> None:
    assert reaper.run(["sh", "-c", "exit 3"], ("-l", LONG), pid1=pid1).returncode == 3


def test_without_it_nobody_gets_a_term(reaper: Launcher, tmp_path: Path) -> None:
    running = reaper.start(python("leave_stray.py", "heeds", str(tmp_path), "7"))
    running.out.expect("strays")
    strays = kernel.children(running.child)
    assert running.wait() == 7
    assert [kernel.alive(p) for p in strays] == [True, True]
    assert list(tmp_path.iterdir()) == []
    for stray in strays:
        os.kill(stray, signal.SIGKILL)


@pytest.mark.usefixtures("namespaces")
def test_a_signal_in_the_wait_reaches_the_rest(reaper: Launcher, tmp_path: Path) -> None:
    """TERM comes again, or an INT: nobody may hang, the code stays the program's."""
    running = reaper.start(
        python("leave_stray.py", "ignores", str(tmp_path), "7"), ("-l", "2"), pid1=True
    )
    main = running.child
    running.out.expect("leaving")
    kernel.wait_until(lambda: kernel.state(main) == "", "the program is gone")
    running.send(signal.SIGTERM)
    running.send(signal.SIGINT)
    assert running.wait() == 7


def test_an_expected_code_stays_expected(reaper: Launcher, tmp_path: Path, pid1: bool) -> None:
    argv = python("leave_stray.py", "heeds", str(tmp_path), "7")
    assert reaper.run(argv, ("-l", LONG, "-e", "7"), pid1=pid1).returncode == 0


def test_a_stopped_stray_is_ended_too(reaper: Launcher, tmp_path: Path, pid1: bool) -> None:
    running = reaper.start(
        python("leave_stray.py", "stops", str(tmp_path), "7"), ("-l", "1"), pid1=pid1
    )
    running.out.expect("strays")
    strays = kernel.children(running.child)
    assert running.wait() == 7
    assert [p for p in strays if kernel.alive(p)] == []


def test_the_children_that_the_killed_leave_are_killed_too(
    reaper: Launcher, tmp_path: Path, pid1: bool
) -> None:
    """Outside of PID 1 nobody but a killed one's mother knew of them till then."""
    depth = 4
    program = python("leave_line.py", str(depth), str(tmp_path))
    running = reaper.start(program, ("-l", "1"), pid1=pid1)
    running.out.expect("line\n")
    line = kernel.children(running.child)
    while len(line) < depth:
        kernel.wait_until(partial(kernel.children, line[-1]), "the next of the line runs")
        line += kernel.children(line[-1])
    (tmp_path / "go").touch()
    assert running.wait() == 7
    assert [pid for pid in line if kernel.alive(pid)] == []


def test_an_impatient_signal_ends_the_wait_and_not_the_killing(
    reaper: Launcher, tmp_path: Path, pid1: bool
) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        running = reaper.start(
            python("leave_stray.py", "ignores", str(tmp_path), "7"), ("-l", LONG), pid1=pid1
        )
        running.out.expect("strays")
        main = running.child
        strays = kernel.children(main)
        running.out.expect("leaving")
        kernel.wait_until(partial(gone, main), "the program is gone")
        running.send(signal.SIGHUP)  # nobody it was for is left
        running.send(number)
        assert running.wait() == 7
        assert [p for p in strays if kernel.alive(p)] == []
