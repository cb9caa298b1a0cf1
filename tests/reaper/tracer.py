"""A tracer: halts the reaper at each system call of its start-up, or at each instruction."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.reaper import kernel

if TYPE_CHECKING:
    from tests.reaper.process import Running

SEIZE, SYSCALL, SINGLESTEP, DETACH, GETREGS, PEEKDATA = 0x4206, 24, 9, 17, 12, 2
TRACE_SYSGOOD, TRACE_EXEC = 0x01, 0x10
EVENT_EXEC = 4
SYSCALL_STOP = signal.SIGTRAP | 0x80
PROCMASK, WAIT, PRCTL, PDEATHSIG = 14, 128, 157, 1
"""x86-64's rt_sigprocmask, rt_sigtimedwait and prctl; PR_SET_PDEATHSIG."""
RDX, RSI, RAX, RDI, RIP, ORIG_RAX = 12, 13, 10, 14, 16, 15


def needed() -> None:
    """Registers are read by their x86-64 names."""
    if platform.machine() != "x86_64":
        pytest.skip("needs x86-64: the tracer knows its registers alone")


def call(request: int, pid: int, data: object = 0, address: int = 0) -> None:
    """ptrace(2), with an exception in place of -1."""
    argument = data if not isinstance(data, int) else ctypes.c_void_p(data)
    done = kernel.LIBC.ptrace(request, pid, ctypes.c_void_p(address), argument)
    if done != 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request}")


@dataclass
class Traced:
    """A process under the tracer, halted."""

    pid: int

    @classmethod
    def from_exec(cls, running: Running, gate: int) -> Traced:
        """Seize a stub that waits at the gate, open it, halt right after its exec of the reaper."""
        (pid,) = kernel.children(running.popen.pid) or [running.popen.pid]
        call(SEIZE, pid, TRACE_SYSGOOD | TRACE_EXEC)
        os.write(gate, b"\n")
        traced = cls(pid)
        traced.expect(signal.SIGTRAP, EVENT_EXEC)
        traced.finish_call()  # execve's own return
        return traced

    def expect(self, wanted: int, event: int = 0) -> None:
        """Wait for the next halt, which must be this one."""
        _, got = os.waitpid(self.pid, 0x40000000)
        assert os.WIFSTOPPED(got), f"it ended: {got:#x}"
        assert (os.WSTOPSIG(got), got >> 16) == (wanted, event), f"another halt: {got:#x}"

    def next_call(self) -> int:
        """Go on to the next entry of a system call; its number."""
        call(SYSCALL, self.pid)
        self.expect(SYSCALL_STOP)
        return self.register(ORIG_RAX)

    def finish_call(self) -> int:
        """Go on to the return of the system call; its result."""
        call(SYSCALL, self.pid)
        self.expect(SYSCALL_STOP)
        return self.register(RAX)

    def step(self) -> None:
        """One instruction."""
        call(SINGLESTEP, self.pid)
        self.expect(signal.SIGTRAP)

    def register(self, index: int) -> int:
        """A register's value."""
        registers = (ctypes.c_ulong * 27)()
        call(GETREGS, self.pid, ctypes.byref(registers))
        return int(registers[index])

    def memory(self, address: int, size: int) -> bytes:
        """A piece of its memory."""
        with open(f"/proc/{self.pid}/mem", "rb", buffering=0) as mem:  # noqa: PTH123
            mem.seek(address)
            return mem.read(size)

    def free(self) -> None:
        """Let it run on, untraced."""
        call(DETACH, self.pid)
