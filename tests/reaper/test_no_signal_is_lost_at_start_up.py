"""From its first instructions on, what comes before it waits is kept; blocking comes first."""

from __future__ import annotations

import os
import signal
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.reaper import kernel, tracer
from tests.reaper.process import python, shell
from tests.reaper.tracer import Traced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.reaper.process import Launcher, Running

LIBC_STARTS = {158, 218}
"""arch_prctl and set_tid_address: musl's own start, before main."""
MOST_INSTRUCTIONS = 5_000
"""Between exec and the blocking of signals, musl's own start included: a few microseconds."""
ALL = 2**64 - 1
UNBLOCKABLE = 1 << (signal.SIGKILL - 1) | 1 << (signal.SIGSTOP - 1)


def blocks_or_waits(pid: int) -> bool:
    """While sigtimedwait waits, the kernel shows the awaited signals as not blocked."""
    return bool(kernel.signals(pid, "SigBlk")) or kernel.comm(pid).startswith("init:")


class Gate:
    """A reaper held right after its exec, before its first instruction."""

    def __init__(self, reaper: Launcher) -> None:
        self.reaper = reaper
        self.ends: list[int] = []

    def start(self, *, pid1: bool) -> tuple[Running, Traced]:
        """The program is one that every signal ends, wherever in its start it comes."""
        read, write = os.pipe()
        self.ends += [read, write]
        wrap = python("gate.py", str(read))
        running = self.reaper.start(
            ["sleep", "1000"],
            ("-t", "/none"),
            pid1=pid1,
            wrap=wrap,
            pass_fds=[read],
            env={"PATH": "/usr/bin:/bin"},
        )
        running.out.expect("gate\n")
        return running, Traced.from_exec(running, write)


@pytest.fixture
def gate(reaper: Launcher) -> Iterator[Gate]:
    tracer.needed()
    made = Gate(reaper)
    yield made
    for end in made.ends:
        os.close(end)


def test_the_first_call_of_its_own_blocks_all_signals(gate: Gate, pid1: bool) -> None:
    _, traced = gate.start(pid1=pid1)
    before = []
    while (number := traced.next_call()) != tracer.PROCMASK:
        before.append(number)
        traced.finish_call()
    mask = int.from_bytes(traced.memory(traced.register(tracer.RSI), 8), "little")
    how = traced.register(tracer.RDI)
    traced.finish_call()
    held = traced.pid
    blocked = kernel.signals(held, "SigBlk")
    traced.free()
    assert set(before) <= LIBC_STARTS
    assert mask | UNBLOCKABLE == ALL
    assert how in {0, 2}
    assert blocked == set(kernel.FORWARDABLE)


def test_few_instructions_stand_before_it(gate: Gate) -> None:
    _, traced = gate.start(pid1=False)
    for _ in range(MOST_INSTRUCTIONS):
        at = traced.register(tracer.RIP)
        if traced.memory(at, 2) == b"\x0f\x05" and traced.register(tracer.RAX) == tracer.PROCMASK:
            break
        traced.step()
    else:
        pytest.fail(f"no rt_sigprocmask within {MOST_INSTRUCTIONS} instructions")
    traced.free()


@pytest.mark.parametrize("number", [signal.SIGTERM, 34], ids=["TERM", "real-time"])
def test_a_signal_at_every_step_of_the_start(gate: Gate, pid1: bool, number: int) -> None:
    """Held at the k-th system call after the blocking, for every k until it waits."""
    steps, waits = 0, False
    while not waits:
        running, traced = gate.start(pid1=pid1)
        while traced.next_call() != tracer.PROCMASK:
            traced.finish_call()
        traced.finish_call()
        for _ in range(steps):
            # With a time-out it is the try whether it may wait.
            waits = traced.next_call() == tracer.WAIT and not traced.register(tracer.RDX)
            if waits:
                break
            traced.finish_call()
        os.kill(traced.pid, number)
        traced.free()
        assert running.wait() == 128 + number, f"lost at step {steps}"
        running.close()
        steps += 1
        assert steps < 200, "it never waits"
    assert steps > 3


def test_signals_that_were_pending_before_its_exec(reaper: Launcher, pid1: bool) -> None:
    wrap = python("with_pending.py")
    running = reaper.start(python("witness.py"), pid1=pid1, wrap=wrap)
    running.out.expect("ready")
    running.out.line()
    # A pending CONT and a pending stop drop each other, in the kernel, at every kill; Python
    # drops 13 and 25 as it starts.
    numbers = [n for n in kernel.FORWARDABLE if n not in {13, 20, 21, 22, 25}]
    got = [running.out.line().split() for _ in numbers]
    assert sorted(int(number) for number, _, _ in got) == numbers
    assert {int(v) for n, _, v in got if int(n) in kernel.REAL_TIME} == {77}


def test_a_signal_at_growing_delays(reaper: Launcher, pid1: bool) -> None:
    """Real time, no tracer: TERM as soon as signals are blocked, and later and later after that."""
    for turn in range(60):
        running = reaper.start(["sleep", "1000"], pid1=pid1)
        pid = running.pid
        kernel.wait_until(partial(blocks_or_waits, pid), "signals are blocked")
        for _ in range(turn * 50):
            pass
        os.kill(pid, signal.SIGTERM)
        assert running.wait() == 143
        running.close()


def test_a_parent_that_dies_before_the_kernel_knows_that_we_care(
    reaper: Launcher,
) -> None:
    """-p: held at the very call, while the parent dies."""
    tracer.needed()
    read, write = os.pipe()
    gate = python("gate.py", str(read), str(reaper.executable), "-p", "TERM", "--")
    running = reaper.raw(
        [*shell('"$@" & wait'), *gate, "sleep", "1000"],
        pass_fds=[read],
        env={"PATH": "/usr/bin:/bin"},
    )
    running.out.expect("gate\n")
    traced = Traced.from_exec(running, write)
    while traced.next_call() != tracer.PRCTL or traced.register(tracer.RDI) != tracer.PDEATHSIG:
        traced.finish_call()
    running.popen.kill()
    running.popen.wait()
    traced.free()
    kernel.wait_until(lambda: not kernel.alive(traced.pid), "it got TERM and ended")
    os.close(read)
    os.close(write)
