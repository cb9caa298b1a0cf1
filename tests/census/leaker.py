"""Programs that are PID 1 of a namespace of their own, and leave zombies there."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.reaper.process import namespace

# PID 1 leaves `own` zombies, its child leaves `childs`, and another waits for its own, but late.
_LEAKER = """
import os, signal, sys, time
own, childs, sigterm = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
if sigterm == "caught":
    signal.signal(signal.SIGTERM, lambda *_: None)
if sigterm == "blocked":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
def leave(count):
    for _ in range(count):
        child = os.fork() or os._exit(0)
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # a zombie by now, and it stays one
leave(own)
ends = os.pipe()
worker = os.fork()
if worker == 0:
    leave(childs)
    os.write(ends[1], b".")
    time.sleep(600)
late = os.fork()
while late == 0:
    child = os.fork()
    if child == 0:
        os._exit(0)
    time.sleep(0.2)
    os.waitpid(child, 0)
os.read(ends[0], 1)
print("ready", flush=True)
time.sleep(600)
"""


@contextmanager
def leaker(own: int, childs: int, *, sigterm: str = "") -> Iterator[int]:
    """Run a leaker as PID 1 of a namespace; gives its PID outside."""
    with first_of_all(_LEAKER, str(own), str(childs), sigterm) as inside:
        yield inside


@contextmanager
def first_of_all(script: str, *words: str) -> Iterator[int]:
    """Run a Python program as PID 1 of a namespace until it says that it is ready."""
    # Without what is installed: to measure coverage, that handles SIGTERM.
    command = [*namespace(), sys.executable, "-IS", "-c", script, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as around:
        assert around.stdout
        assert around.stdout.readline() == "ready\n"
        (inside,) = children(around.pid)
        try:
            yield inside
        finally:
            os.kill(inside, 9)
            around.wait(20)


def children(pid: int) -> list[int]:
    """Give a process' children, by the kernel's own list."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(each) for each in listed.split()]
