"""Each signal reaches the program once, from outside and inside, real-time ones with value."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.reaper import kernel
from tests.reaper.process import python

if TYPE_CHECKING:
    from tests.reaper.process import Launcher, Running

FAULTS = [
    signal.SIGSEGV,
    signal.SIGILL,
    signal.SIGFPE,
    signal.SIGBUS,
    signal.SIGTRAP,
    signal.SIGSYS,
    signal.SIGABRT,
]


def got(running: Running) -> tuple[int, int, int]:
    number, code, value = running.out.line().split()
    return int(number), int(code), int(value)


def test_every_signal_arrives(
    reaper: Launcher, options: tuple[str, ...], pid1: bool, terminal: bool
) -> None:
    if "-vv" in options and terminal:
        options = ("-s",)  # what the reaper tells and what the witness tells would mix
    running = reaper.start(python("witness.py"), options, pid1=pid1, terminal=terminal)
    running.out.expect("ready")
    running.out.line()
    arrived = []
    numbers = [n for n in kernel.FORWARDABLE if n != signal.SIGCHLD]
    for number in numbers:
        running.send(number)
        arrived.append(got(running)[0])
    assert arrived == numbers


def test_a_real_time_signal_keeps_its_value(reaper: Launcher, pid1: bool) -> None:
    running = reaper.start(python("witness.py"), pid1=pid1)
    running.out.expect("ready")
    running.out.line()
    for number in kernel.REAL_TIME:
        for value in (0, 1, 2**31 - 1, -1, 1000 + number):
            kernel.queue(running.pid, number, value)
            assert got(running)[::2] == (number, value)


def test_a_signal_sent_to_the_thread_arrives_once(reaper: Launcher, pid1: bool) -> None:
    running = reaper.start(python("witness.py"), pid1=pid1)
    running.out.expect("ready")
    running.out.line()
    for number in (*kernel.REAL_TIME, signal.SIGTERM, signal.SIGUSR1):
        kernel.send_to_thread(running.pid, number)
        assert got(running)[0] == number


def test_a_sigchld_that_somebody_sent_arrives(reaper: Launcher, pid1: bool) -> None:
    """Without -k it may merge with one of the timer by which PID 1 follows the program's user."""
    running = reaper.start(python("witness.py"), ("-k",), pid1=pid1)
    running.out.expect("ready")
    running.out.line()
    for send in (os.kill, kernel.send_to_thread):
        send(running.pid, signal.SIGCHLD)
        assert got(running)[0] == signal.SIGCHLD


def test_real_time_signals_keep_their_order(reaper: Launcher, pid1: bool) -> None:
    running = reaper.start(python("witness.py"), pid1=pid1)
    running.out.expect("ready")
    running.out.line()
    for value in range(500):
        kernel.queue(running.pid, 40, value)
    assert [got(running)[2] for _ in range(500)] == list(range(500))


def test_a_fault_signal_that_somebody_sent_is_no_fault(reaper: Launcher, pid1: bool) -> None:
    running = reaper.start(python("witness.py"), pid1=pid1)
    running.out.expect("ready")
    running.out.line()
    for number in FAULTS:
        running.send(number)
        assert got(running)[0] == number
        kernel.queue(running.pid, number, 5)
        assert got(running)[0] == number


def test_a_signal_sent_from_inside_comes_back(reaper: Launcher, pid1: bool) -> None:
    running = reaper.start(python("tell_parent.py"), pid1=pid1)
    assert running.out.rest().split() == [str(n) for n in kernel.FORWARDABLE]
    assert running.wait() == 0


@pytest.mark.usefixtures("namespaces")
def test_kill_hup_1_from_a_shell(reaper: Launcher) -> None:
    script = "trap 'echo reloaded; exit 3' HUP; kill -HUP 1; while :; do sleep 0.01; done"
    done = reaper.run(["/bin/sh", "-c", script], pid1=True)
    assert (done.stdout, done.returncode) == ("reloaded\n", 3)


def test_nothing_is_lost_in_a_storm(reaper: Launcher, pid1: bool) -> None:
    standard = [
        n
        for n in kernel.FORWARDABLE
        # The kernel drops a pending stop when CONT comes, and the other way round.
        if n < 32 and n not in {signal.SIGCONT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
    ]
    mixed = [*standard, *kernel.REAL_TIME[:-1]]
    running = reaper.start(python("witness.py", "--until", "64"), pid1=pid1)
    running.out.expect("ready")
    running.out.line()
    sent = dict.fromkeys(mixed, 0)
    for turn in range(10_000):
        number = mixed[turn * 7 % len(mixed)]
        kernel.queue(running.pid, number, turn)
        sent[number] += 1
    kernel.wait_until(lambda: not kernel.signals(running.pid, "ShdPnd"), "all were taken")
    kernel.queue(running.pid, 64, 0)
    counts = {
        int(n): int(c) for n, _, c in (word.partition(":") for word in running.out.line().split())
    }
    real_time = kernel.REAL_TIME[:-1]
    assert {n: counts.get(n) for n in real_time} == {n: sent[n] for n in real_time}
    assert [n for n in standard if not 1 <= counts.get(n, 0) <= sent[n]] == []
    assert running.wait() == 0


def test_a_child_that_does_not_take_its_signals_holds_nothing_up(
    reaper: Launcher, pid1: bool
) -> None:
    running = reaper.start(python("witness.py"), pid1=pid1)
    running.out.expect("ready")
    running.out.line()
    os.kill(running.child, signal.SIGSTOP)
    for value in range(1000):
        kernel.queue(running.pid, 50, value)
    running.send(signal.SIGTERM)
    kernel.wait_until(lambda: not kernel.signals(running.pid, "ShdPnd"), "all were taken")
    running.send(signal.SIGCONT)
    lines = [got(running) for _ in range(1002)]
    assert [value for number, _, value in lines if number == 50] == list(range(1000))
    assert {number for number, _, _ in lines} == {50, signal.SIGTERM, signal.SIGCONT}
