"""What is measured of an init; each function gives raw figures, never a summary."""

import os
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.inits import Init, as_pid_1

IDLE_SECONDS = 5.0
STARTING_SECONDS = 3.0
"""After these an init is idle: ours looks ten times in the first two who its program runs as."""


def memory(init: Init) -> dict[str, int]:
    """Rss, Pss and private dirty of an init that waits for `sleep`, in kB."""
    with running(as_pid_1(init.before("sleep", "60"))) as (_, pid):
        wait_until_idle(pid)
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    fields = {name: int(rest.split()[0]) for name, _, rest in (x.partition(":") for x in lines)}
    return {"Rss": fields["Rss"], "Pss": fields["Pss"], "dirty": fields["Private_Dirty"]}


def added_time(command: list[str]) -> float:
    """Seconds from the spawn of a command to its end."""
    start = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ)
    os.waitpid(pid, 0)
    return time.perf_counter() - start


def latency(command: list[str], rounds: int, *, pid_1: bool) -> list[float]:
    """Seconds from kill() until the program behind the init has the SIGTERM."""
    with running(as_pid_1(command) if pid_1 else command, namespace=pid_1) as (process, pid):
        out = process.stdout
        assert out is not None
        assert out.read(5) == b"ready"
        wait_until_idle(pid)
        waits = []
        for _ in range(rounds):
            time.sleep(0.0005)  # so that both have gone to sleep again
            sent = time.monotonic_ns()
            os.kill(pid, signal.SIGTERM)
            (came,) = struct.unpack("=q", out.read(8))
            waits.append((came - sent) / 1e9)
        return waits


def cpu_per_orphan(init: Init, probe: str, orphans: int) -> float:
    """Seconds of CPU that an init spends on each orphan that it reaps, as PID 1."""
    with running(as_pid_1(init.before(probe, "leak", str(orphans)))) as (process, pid):
        before = on_cpu(pid)
        assert process.stdout is not None
        assert process.stdout.read(4) == b"done"
        wait_until_idle(pid)
        return (on_cpu(pid) - before) / orphans


def idle_wake_ups(init: Init) -> float:
    """How often a second an init wakes that has nothing to do."""
    with running(as_pid_1(init.before("sleep", "60"))) as (_, pid):
        time.sleep(STARTING_SECONDS)
        before = switches(pid)
        time.sleep(IDLE_SECONDS)
        return (switches(pid) - before) / IDLE_SECONDS


@contextmanager
def on(cpus: set[int] | None) -> Iterator[None]:
    """Keep this process, and those that it starts, to these CPUs; None for all that it has.

    Left to itself the kernel wakes a sleeper here or on another CPU, which may be asleep, too:
    that takes four times as long, and is nothing that an init could change.
    """
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def running(
    command: list[str], *, namespace: bool = True
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a command; gives it and the pid of its init, seen from outside."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    try:
        yield process, only_child(process.pid) if namespace else process.pid
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def only_child(pid: int) -> int:
    """The child of a process, once it is there and runs its own program."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    while True:
        found = children.read_text().split()
        if found and Path(f"/proc/{found[0]}/comm").read_text().strip() != "unshare":
            return int(found[0])
        time.sleep(0.001)


def wait_until_idle(pid: int) -> None:
    """Wait until a process has slept for a while without being woken."""
    while True:
        before = on_cpu(pid)
        time.sleep(0.2)
        if on_cpu(pid) == before or switches(pid) < 50:
            return


def on_cpu(pid: int) -> float:
    """Seconds that a process has been on a CPU, to the nanosecond."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def switches(pid: int) -> int:
    """How often a process has gone to sleep of its own."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("voluntary_ctxt_switches"):
            return int(line.split()[1])
    raise ValueError(pid)
