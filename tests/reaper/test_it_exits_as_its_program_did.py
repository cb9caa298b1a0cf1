"""Exit codes and deadly signals come through unchanged, on every axis."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.reaper import kernel
from tests.reaper.process import python, shell

if TYPE_CHECKING:
    from tests.reaper.process import Launcher

DIE = "kill -$1 $$; exit 99"


def test_all_256_exit_codes(reaper: Launcher, pid1: bool, terminal: bool) -> None:
    codes = {
        code: reaper.run(shell(f"exit {code}"), pid1=pid1, terminal=terminal).returncode
        for code in range(256)
    }
    assert {code: got for code, got in codes.items() if code != got} == {}


def test_death_by_every_deadly_signal_is_128_more(
    reaper: Launcher, pid1: bool, terminal: bool
) -> None:
    codes = {
        number: reaper.run(python("die.py", str(number)), pid1=pid1, terminal=terminal).returncode
        for number in kernel.DEADLY
    }
    assert {n: got for n, got in codes.items() if got != 128 + n} == {}


def test_options_change_no_exit_code(
    reaper: Launcher, options: tuple[str, ...], pid1: bool, terminal: bool
) -> None:
    for code in (0, 1, 2, 7, 125, 126, 127, 128, 143, 255):
        got = reaper.run(shell(f"exit {code}"), options, pid1=pid1, terminal=terminal)
        assert got.returncode == code
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV):
        got = reaper.run(shell(DIE, str(int(number))), options, pid1=pid1, terminal=terminal)
        assert got.returncode == 128 + number


@pytest.mark.parametrize("flag", [("-e",), ("--expect-exit",)])
def test_an_expected_exit_code_counts_as_success(
    reaper: Launcher, flag: tuple[str], pid1: bool
) -> None:
    def code(script: str, *expected: str) -> int:
        options = [word for one in expected for word in (*flag, one)]
        return reaper.run(shell(script, "15"), options, pid1=pid1).returncode

    assert code("exit 143", "143") == 0
    assert code(DIE, "143") == 0
    assert code("exit 144", "143") == 144
    assert code("exit 7", "143", "7", "255") == 0
    assert code("exit 255", "143", "7", "255") == 0
    assert code("exit 0", "0") == 0
    assert code("exit 1", "0") == 1
    assert code("exit 0", "1") == 0


def test_every_exit_code_can_be_expected(reaper: Launcher) -> None:
    everything = [word for code in range(256) for word in ("-e", str(code))]
    assert {reaper.run(shell(f"exit {n}"), everything).returncode for n in (1, 63, 64, 200)} == {0}
    all_but_64 = [word for code in range(256) if code != 64 for word in ("-e", str(code))]
    assert reaper.run(shell("exit 64"), all_but_64).returncode == 64


def test_a_stray_process_never_delays_the_exit(reaper: Launcher, pid1: bool) -> None:
    running = reaper.start(shell("sleep 1000 <&- >&- 2>&- & echo $!; exec sleep 999"), pid1=pid1)
    running.out.line()
    kernel.wait_until(lambda: kernel.children(running.child), "the stray process runs")
    (stray,) = kernel.children(running.child)
    running.send(signal.SIGTERM)
    assert running.wait() == 143
    if pid1:
        kernel.wait_until(lambda: not kernel.alive(stray), "the kernel ended the namespace")
    else:
        assert kernel.alive(stray)
        running.close()
        os.kill(stray, signal.SIGKILL)


def test_a_stopped_child_is_no_dead_child(reaper: Launcher, pid1: bool) -> None:
    running = reaper.start(python("witness.py"), pid1=pid1)
    running.out.expect("ready")
    child = running.child
    for _ in range(20):
        os.kill(child, signal.SIGSTOP)
        kernel.wait_until(lambda: kernel.state(child) == "T", "the child is stopped")
        os.kill(child, signal.SIGCONT)
        kernel.wait_until(lambda: kernel.state(child) == "S", "the child goes on")
    os.kill(child, signal.SIGSTOP)
    kernel.wait_until(lambda: kernel.state(child) == "T", "the child is stopped")
    running.send(signal.SIGUSR1)
    running.send(signal.SIGCONT)
    running.out.expect(f"{int(signal.SIGUSR1)} ")
    os.kill(child, signal.SIGKILL)
    assert running.wait() == 137
