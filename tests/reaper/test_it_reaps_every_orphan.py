"""Orphans: however many, however deep, however fast; and the count that anybody can read."""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING

import pytest

from tests.reaper import kernel, need
from tests.reaper.process import python, shell

if TYPE_CHECKING:
    from tests.reaper.process import Launcher


def test_twenty_thousand(reaper: Launcher, pid1: bool) -> None:
    running = reaper.start(python("orphans.py", "20000", "500"), pid1=pid1)
    running.out.expect("done")
    kernel.wait_until(lambda: kernel.comm(running.pid) == "init:20000", "20,000 were counted")
    assert kernel.zombies(running.pid) == []
    assert kernel.children(running.pid) == [running.child]
    running.send(signal.SIGTERM)
    assert running.wait() == 143


def test_thousands_handed_over_at_once(reaper: Launcher, pid1: bool) -> None:
    """The kernel merges their SIGCHLDs into a handful."""
    running = reaper.start(python("orphans.py", "3000", "3000"), pid1=pid1)
    running.out.expect("done")
    kernel.wait_until(lambda: kernel.comm(running.pid) == "init:3000", "3,000 were counted")
    assert kernel.zombies(running.pid) == []


def test_the_count_begins_with_0_and_counts_no_main_child(reaper: Launcher, pid1: bool) -> None:
    running = reaper.start(python("witness.py"), pid1=pid1)
    running.out.expect("ready")
    assert kernel.comm(running.pid) == "init:0"
    assert not kernel.comm(running.child).startswith("init:")


@pytest.mark.usefixtures("namespaces")
def test_the_count_can_be_read_from_inside(reaper: Launcher) -> None:
    script = (
        "until [ $(cat /proc/1/comm) = init:0 ]; do sleep 0.01; done; "
        "cat /proc/1/comm; (sleep 0 & sleep 0 &); "
        "until [ $(cat /proc/1/comm) = init:2 ]; do sleep 0.01; done; cat /proc/1/comm"
    )
    done = reaper.run(shell(script), pid1=True)
    assert done.stdout == "init:0\ninit:2\n"


def test_nested_orphans(reaper: Launcher, pid1: bool) -> None:
    """Each of a chain of 50 dies before its child: every one comes to the reaper in its turn."""
    running = reaper.start(python("chain.py", "50"), pid1=pid1)
    running.out.expect("done")
    kernel.wait_until(lambda: kernel.comm(running.pid) == "init:50", "the whole chain was counted")
    assert kernel.children(running.pid) == [running.child]


def test_a_daemon_that_left_its_session_is_adopted_and_reaped(
    reaper: Launcher, options: tuple[str, ...], pid1: bool
) -> None:
    script = "setsid --fork sleep 1000 <&- >&- 2>&-; echo started; exec sleep 1000"
    running = reaper.start(shell(script), options, pid1=pid1)
    running.out.expect("started")
    main = running.child
    kernel.wait_until(lambda: len(kernel.children(running.pid)) == 2, "the daemon was adopted")
    (daemon,) = set(kernel.children(running.pid)) - {main}
    kernel.wait_until(lambda: kernel.comm(daemon) == "sleep", "the daemon runs")
    os.kill(daemon, signal.SIGKILL)
    kernel.wait_until(lambda: kernel.state(daemon) == "", "the daemon was reaped")
    shown = re.compile(r"init:[12]")
    kernel.wait_until(lambda: bool(shown.fullmatch(kernel.comm(running.pid))), "it was counted")
    assert kernel.alive(main)


def test_orphans_without_end_are_counted_while_they_come(reaper: Launcher, pid1: bool) -> None:
    """The name is set at a fixed time after the first of them, not once no more come."""
    running = reaper.start(shell("while :; do (sleep 0 &); done"), pid1=pid1)
    seen = set()

    def grows() -> bool:
        seen.add(kernel.comm(running.pid))
        return len(seen) > 3

    kernel.wait_until(grows, "the count grows")


def test_the_moment_of_the_count_is_nobody_elses_signal(reaper: Launcher, pid1: bool) -> None:
    """The reaper's timer sends it a SIGCHLD, which must not reach the program."""
    running = reaper.start(python("witness.py"), pid1=pid1, wrap=shell('sleep 0.2 & exec "$@"'))
    running.out.expect("ready")
    kernel.wait_until(lambda: kernel.comm(running.pid) == "init:1", "it was counted")
    running.send(signal.SIGUSR1)
    _, first = running.out.line(), running.out.line()
    assert first.startswith(f"{int(signal.SIGUSR1)} ")


def test_the_count_is_shown_where_no_timer_can_be_had(reaper: Launcher, pid1: bool) -> None:
    need.tool("prlimit", "util-linux")
    program = shell("for i in 1 2 3; do (sleep 0 &); done; exec sleep 1000")
    running = reaper.start(program, pid1=pid1, wrap=["prlimit", "--sigpending=0", "--"])
    kernel.wait_until(lambda: kernel.comm(running.pid) == "init:3", "they were counted")


def test_orphans_that_die_with_the_main_child_change_no_code(reaper: Launcher, pid1: bool) -> None:
    script = "i=0; while [ $i -lt 40 ]; do (sleep 0 &); i=$((i+1)); done; exit 5"
    codes = {reaper.run(shell(script), pid1=pid1).returncode for _ in range(40)}
    assert codes == {5}


def test_children_that_it_had_before_the_exec_are_not_the_program(
    reaper: Launcher, pid1: bool
) -> None:
    """A shell that execs the reaper leaves it children it never started."""
    wrap = shell('sleep 0 & sh -c "exit 9" & sleep 0.2 & exec "$@"')
    done = reaper.run(shell("sleep 0.3; exit 4"), pid1=pid1, wrap=wrap)
    assert done.returncode == 4


def test_reaping_goes_on_in_a_signal_storm(reaper: Launcher, pid1: bool) -> None:
    running = reaper.start(python("orphans.py", "2000", "100"), pid1=pid1)
    pid = running.pid
    running.out.expect("working")
    for _ in range(2000):
        os.kill(pid, signal.SIGCHLD)
        os.kill(pid, signal.SIGWINCH)
    running.out.expect("done")
    kernel.wait_until(lambda: kernel.comm(pid) == "init:2000", "2,000 were counted")
    assert kernel.zombies(pid) == []


def test_a_child_that_died_before_the_exec_is_reaped_at_once(reaper: Launcher, pid1: bool) -> None:
    """Its SIGCHLD came before the reaper was there."""
    running = reaper.start(python("witness.py"), pid1=pid1, wrap=python("with_zombie.py"))
    running.out.expect("ready")
    kernel.wait_until(lambda: len(kernel.children(running.pid)) == 1, "the zombie is gone")
