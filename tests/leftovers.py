"""What a run has started ends with it, also where the run is killed.

A watcher holds one end of a pipe and sees the other close, whatever the run died of. Then it kills
each process that inherited the run's mark in its environment: etcd, API servers, registries,
webhooks. Who starts a program with an environment of its own hands `mark()` on.
"""

import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

NAME = "MARK_OF_TEST_RUN"
COVERAGE = "COVERAGE_PROCESS_CONFIG"  # coverage measures a program that has this, too
PATIENCE = 10.0  # seconds for processes that start others while they are being killed


def mark() -> dict[str, str]:
    """Give the run's mark, for a program that is started with an environment of its own."""
    return {name: os.environ[name] for name in (NAME, COVERAGE) if name in os.environ}


def end_with_this_process() -> None:
    """From now on, what this process starts ends when it does."""
    os.environ[NAME] = secrets.token_hex(8)
    reading, _ = os.pipe()  # no child inherits the other end: the kernel closes it
    subprocess.run(
        [sys.executable, "-I", __file__, os.environ[NAME]],
        stdin=reading,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={},
        check=True,
    )
    os.close(reading)


def marked(run: str) -> list[int]:
    """List the processes that have a run's mark."""
    wanted = f"{NAME}={run}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
        except OSError:  # it has ended, or is somebody else's
            continue
        if wanted in environment.split(b"\0"):
            found.append(int(folder.name))
    return found


def kill(run: str) -> None:
    """Kill them all, and what they start meanwhile."""
    until = time.monotonic() + PATIENCE
    while (left := marked(run)) and time.monotonic() < until:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.05)


if __name__ == "__main__":
    if os.fork():
        os._exit(0)
    os.setsid()  # a terminal's or a runner's signals are not for it
    os.read(0, 1)
    kill(sys.argv[1])
