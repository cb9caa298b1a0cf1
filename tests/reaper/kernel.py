"""What Python leaves out of the kernel: queued values, signals 32 and 33, the truth in /proc."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LIBC = ctypes.CDLL(None, use_errno=True)
DEADLINE = float(os.environ.get("INITSHIM_TEST_DEADLINE", "120"))
"""Seconds after which a condition that must come true is given up; no result depends on it."""

FORWARDABLE = [n for n in range(1, 65) if n not in {signal.SIGKILL, signal.SIGSTOP}]
REAL_TIME = list(range(32, 65))
HARMLESS = {
    signal.SIGCHLD,
    signal.SIGURG,
    signal.SIGWINCH,
    signal.SIGCONT,
    signal.SIGSTOP,
    signal.SIGTSTP,
    signal.SIGTTIN,
    signal.SIGTTOU,
}
"""Signals that don't end a process that does nothing about them."""
DEADLY = [n for n in range(1, 65) if n not in HARMLESS]


def queue(pid: int, number: int, value: int) -> None:
    """sigqueue(3): send a signal with a value; waits while the kernel's queue is full."""
    deadline = time.monotonic() + DEADLINE
    while LIBC.sigqueue(pid, number, ctypes.c_void_p(value)) != 0:
        error = ctypes.get_errno()
        if error != 11 or time.monotonic() > deadline:
            raise OSError(error, os.strerror(error))
        time.sleep(0.001)


def send_to_thread(pid: int, number: int) -> None:
    """tgkill(2), as pthread_kill and raise do it: the signal comes with si_code SI_TKILL."""
    tgkill = {"x86_64": 234}.get(platform.machine(), 131)
    if LIBC.syscall(tgkill, pid, pid, number) != 0:
        raise OSError(ctypes.get_errno(), "tgkill")


def stop_ignoring(number: int) -> None:
    """Set an ignored signal to its default, by the system call: for 32 and 33 as well."""
    if number in signals(os.getpid(), "SigIgn"):
        sigaction = {"x86_64": 13}.get(platform.machine(), 134)
        default = (ctypes.c_long * 5)()  # the kernel's struct sigaction, all zero
        LIBC.syscall(sigaction, number, default, None, 8)


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Poll until the condition holds; the deadline only turns a hang into a sentence."""
    deadline = time.monotonic() + DEADLINE
    pause = 0.0005
    while not condition():
        assert time.monotonic() < deadline, f"never came true: {what}"
        time.sleep(pause)
        pause = min(pause * 1.5, 0.02)


def status(pid: int) -> dict[str, str]:
    """/proc/PID/status as a dictionary, empty when the process is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return {
        key: value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())
    }


def signals(pid: int, field: str) -> set[int]:
    """A signal set of /proc/PID/status (SigBlk, SigIgn, ShdPnd, …) as numbers."""
    bits = int(status(pid).get(field, "0"), 16)
    return {n for n in range(1, 65) if bits >> (n - 1) & 1}


def state(pid: int) -> str:
    """The one-letter state of a process, "" when it is gone."""
    return status(pid).get("State", "")[:1]


def comm(pid: int) -> str:
    """The process name as `ps` shows it."""
    return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").rstrip("\n")


def children(pid: int) -> list[int]:
    """The pids (as seen from here) of the children of a single-threaded process."""
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def zombies(pid: int) -> list[int]:
    """The children of a process that wait to be reaped."""
    return [child for child in children(pid) if state(child) == "Z"]


def alive(pid: int) -> bool:
    """Whether the process exists and is more than a zombie."""
    return state(pid) not in {"", "Z", "X"}


def descriptors(pid: int) -> dict[int, str]:
    """The open descriptors of a process and what they lead to."""
    folder = Path(f"/proc/{pid}/fd")
    return {int(entry.name): str(entry.readlink()) for entry in folder.iterdir()}
