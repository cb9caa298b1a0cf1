"""Waiting, the reaper has no descriptor beyond 2, no directory, no time-out: it pins nothing."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.reaper import kernel, need
from tests.reaper.process import NAMESPACE, python, shell

if TYPE_CHECKING:
    from tests.reaper.process import Launcher, Running

WAIT = {"x86_64": 128, "aarch64": 137}
IDLE = 1.5
"""Seconds of rest in which tini would wake at least once; what is compared is a count."""


def settled(running: Running) -> int:
    """The pid of the reaper, once it waits for signals."""
    running.out.expect("ready")
    pid = running.pid
    number = WAIT.get(platform.machine())
    kernel.wait_until(
        lambda: Path(f"/proc/{pid}/syscall").read_text().split()[0] == str(number), "it waits"
    )
    return pid


def at_rest(running: Running) -> int:
    """The pid of the reaper, once it has looked ten times whether the program gives up root.

    Only as root and PID 1, the last time a second after the one before.
    """
    pid = settled(running)
    counts = [-1]

    def rests() -> bool:
        time.sleep(1.3)
        counts.append(int(kernel.status(pid)["voluntary_ctxt_switches"]))
        return counts[-1] == counts[-2]

    kernel.wait_until(rests, "it is at rest")
    assert counts[-1] < 20
    return pid


def test_no_descriptor_but_0_to_2(reaper: Launcher, pid1: bool, terminal: bool) -> None:
    extra = [os.open("/etc/passwd", os.O_RDONLY) for _ in range(8)]
    high = os.dup2(extra[0], 900)
    running = reaper.start(
        python("witness.py"), pid1=pid1, terminal=terminal, pass_fds=[*extra, high]
    )
    pid = settled(running)
    for descriptor in (*extra, high):
        os.close(descriptor)
    assert set(kernel.descriptors(pid)) <= {0, 1, 2}
    assert {1, 2} <= set(kernel.descriptors(pid))
    assert (0 in kernel.descriptors(pid)) == (terminal or pid1), "nobody else needs its stdin"
    assert set(kernel.descriptors(running.child)) >= {*extra, high}


def test_its_directory_is_the_root(reaper: Launcher, tmp_path: Path, pid1: bool) -> None:
    running = reaper.start(python("witness.py"), pid1=pid1, cwd=tmp_path)
    pid = settled(running)
    assert Path(f"/proc/{pid}/cwd").readlink() == Path("/")
    assert Path(f"/proc/{running.child}/cwd").readlink() == tmp_path


@pytest.mark.usefixtures("namespaces")
@pytest.mark.parametrize("kind", ["pipe", "socket", "file", "/dev/null"])
def test_input_through_proc_1_fd_0(reaper: Launcher, kind: str, tmp_path: Path) -> None:
    """Consoles of servers are written to from scripts in the container."""
    script = "echo ready; read -r line; echo got $line; exec sleep 1000"
    (tmp_path / "file").write_text("line\n")
    opened = {"file": tmp_path / "file", "/dev/null": Path("/dev/null")}
    write: socket.socket | int | None = None
    if kind == "pipe":
        read, write = os.pipe()
    elif kind == "socket":
        end, write = socket.socketpair()
        read = end.detach()
    else:
        read = os.open(opened[kind], os.O_RDONLY)
    running = reaper.start(shell(script), pid1=True, stdin=read)
    os.close(read)
    running.out.expect("ready\n")
    kernel.wait_until(lambda: kernel.comm(running.pid) == "init:0", "it has let go")
    links = [Path(f"/proc/{pid}/fd/0").readlink() for pid in (running.pid, running.child)]
    assert links[0] == links[1]
    if kind == "pipe":
        Path(f"/proc/{running.pid}/fd/0").write_text("hello\n")
        running.out.expect("got hello\n")
    if isinstance(write, int):
        os.close(write)
    elif write:
        write.close()


def test_a_pipe_on_stdin_is_the_programs_alone(reaper: Launcher) -> None:
    """Outside of PID 1: when the program closes its stdin, the writer must learn it."""
    running = reaper.start(shell("exec <&-; echo ready; exec sleep 1000"), stdin=subprocess.PIPE)
    settled(running)
    assert running.popen.stdin is not None
    with pytest.raises(BrokenPipeError):
        os.write(running.popen.stdin.fileno(), b"x")


def test_a_pipe_beyond_2_is_the_programs_alone(reaper: Launcher) -> None:
    read, write = os.pipe()
    script = f"exec {write}>&-; echo ready; exec sleep 1000"
    need.tool("bash", "bash")
    running = reaper.start(["bash", "-c", script], pass_fds=[write])
    os.close(write)
    settled(running)
    assert os.read(read, 1) == b""
    os.close(read)


@pytest.mark.usefixtures("namespaces")
def test_a_terminal_on_stdin_stays_reachable(reaper: Launcher) -> None:
    running = reaper.start(python("witness.py"), pid1=True, terminal=True)
    pid = settled(running)
    assert Path(f"/proc/{pid}/fd/1").readlink() == Path(f"/proc/{running.child}/fd/1").readlink()


@pytest.mark.usefixtures("namespaces")
def test_output_through_proc_1_fd_1(reaper: Launcher) -> None:
    """Images that link their log file to it."""
    done = reaper.run(shell("echo log > /proc/1/fd/1; echo error > /proc/1/fd/2"), pid1=True)
    assert (done.stdout, done.stderr) == ("log\n", "error\n")


@pytest.mark.root
@pytest.mark.usefixtures("namespaces")
def test_a_mount_it_was_started_in_can_be_unmounted(reaper: Launcher) -> None:
    need.root()
    script = (
        "mount -t tmpfs none /mnt && cd /mnt && "
        f"exec {reaper.executable} -- "
        "sh -c 'cd /; until umount /mnt 2>&-; do sleep 0.01; done; echo unmounted'"
    )
    command = [*NAMESPACE, "--mount", "--", *shell(script)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=kernel.DEADLINE
    )
    assert (done.stdout, done.stderr) == ("unmounted\n", "")


def test_idle_it_never_wakes(reaper: Launcher, options: tuple[str, ...], pid1: bool) -> None:
    running = reaper.start(python("witness.py"), options, pid1=pid1)
    pid = at_rest(running)
    before = kernel.status(pid)
    time.sleep(IDLE)
    after = kernel.status(pid)
    for count in ("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"):
        assert after[count] == before[count]


def test_it_waits_without_a_time_out(reaper: Launcher, pid1: bool) -> None:
    pid = settled(reaper.start(python("witness.py"), pid1=pid1))
    _, _, _, timeout, *_ = Path(f"/proc/{pid}/syscall").read_text().split()
    assert int(timeout, 16) == 0


@pytest.mark.parametrize("options", [(), ("-k",), ("-g", "-v")], ids=" ".join)
def test_it_takes_eight_pages_of_memory(
    reaper: Launcher, options: tuple[str, ...], pid1: bool
) -> None:
    if os.sysconf("SC_PAGE_SIZE") != 4096 or platform.machine() != "x86_64":
        pytest.skip("needs x86-64: elsewhere pages and sections have other sizes")
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}  # the stack begins with the environment
    pid = at_rest(reaper.start(python("witness.py"), options, pid1=pid1, env=env))
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    (resident,) = (line.split()[1] for line in lines if line.startswith("Rss:"))
    assert int(resident) <= 32  # kB: four of code, one of state, two or three of stack
