"""A running reaper: started on one point of the axes, signalled, and waited for."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import termios
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.reaper import kernel
from tests.reaper.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROGRAMS = Path(__file__).parent / "programs"
NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc")
"""A fresh PID namespace with its own /proc; `unshare` exits as its PID 1 did."""
UNPRIVILEGED = ("--user", "--map-root-user")


def namespace() -> list[str]:
    """The prefix that makes the next program PID 1, with a user namespace where we aren't root."""
    return [*NAMESPACE, *(UNPRIVILEGED if os.geteuid() else ()), "--"]


def python(name: str, *arguments: str) -> list[str]:
    """The argument vector of one of our Python programs; without site packages it starts faster."""
    return [sys.executable, "-I", "-S", str(PROGRAMS / name), *arguments]


def shell(script: str, *arguments: str) -> list[str]:
    """The argument vector of a shell script given in the test itself."""
    return ["/bin/sh", "-c", script, "sh", *arguments]


@dataclass
class Running:
    """A reaper at work and the ends of its pipes or terminal."""

    popen: subprocess.Popen[bytes]
    out: Stream
    err: Stream
    executable: Path
    terminal: int | None = None
    _pid: int = field(default=0)

    @property
    def pid(self) -> int:
        """The reaper's pid as seen from here, also where it is PID 1 for itself."""
        if not self._pid:
            kernel.wait_until(self._find, f"{self.executable.name} runs under {self.popen.args!r}")
        return self._pid

    def _find(self) -> bool:
        for pid in [self.popen.pid, *kernel.children(self.popen.pid)]:
            try:
                if Path(f"/proc/{pid}/exe").samefile(self.executable):
                    self._pid = pid
                    return True
            except OSError:
                continue
        assert self.popen.poll() is None, (
            f"it ended early: {self.popen.returncode} {self.err.rest()}"
        )
        return False

    @property
    def child(self) -> int:
        """The pid, as seen from here, of the program that the reaper started."""
        pid = self.pid
        kernel.wait_until(lambda: kernel.children(pid), "the reaper has a child")
        return kernel.children(pid)[0]

    def send(self, number: int) -> None:
        """Send a signal to the reaper."""
        os.kill(self.pid, number)

    def type(self, text: str) -> None:
        """Type on the terminal."""
        assert self.terminal is not None
        os.write(self.terminal, text.encode())

    def wait(self) -> int:
        """The exit code of the reaper (negative: killed by that signal)."""
        return self.popen.wait(kernel.DEADLINE)

    def close(self) -> None:
        """Kill what is left and give everything back; safe to call twice."""
        left = self._tree(self.popen.pid) if self.popen.poll() is None else []
        for pid in reversed(left):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.popen.wait(kernel.DEADLINE)
        for stream in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            if stream:
                stream.close()
        if self.terminal is not None:
            os.close(self.terminal)
            self.terminal = None

    def _tree(self, pid: int) -> list[int]:
        return [pid, *(grand for child in kernel.children(pid) for grand in self._tree(child))]


@dataclass(frozen=True)
class Launcher:
    """Starts one executable (the reaper) in every way that the tests need."""

    executable: Path
    started: list[Running] = field(default_factory=list)

    def command(
        self,
        argv: Sequence[str],
        options: Sequence[str] = (),
        *,
        pid1: bool = False,
        terminal: bool = False,
        wrap: Sequence[str] = (),
    ) -> list[str]:
        """The whole argument vector; `wrap` stands right before the reaper and must exec it."""
        return [
            *(namespace() if pid1 else ()),
            *(("setsid", "--ctty") if terminal else ()),
            *wrap,
            str(self.executable),
            *options,
            "--",
            *argv,
        ]

    def run(
        self,
        argv: Sequence[str],
        options: Sequence[str] = (),
        *,
        pid1: bool = False,
        terminal: bool = False,
        wrap: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        cwd: str | Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end, everything read."""
        running = self.start(
            argv,
            options,
            pid1=pid1,
            terminal=terminal,
            wrap=wrap,
            env=env,
            cwd=cwd,
        )
        out = running.out.rest()
        err = "" if terminal else running.err.rest()
        return subprocess.CompletedProcess(argv, running.wait(), out, err)

    def start(
        self,
        argv: Sequence[str],
        options: Sequence[str] = (),
        *,
        pid1: bool = False,
        terminal: bool = False,
        wrap: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        cwd: str | Path | None = None,
        stdin: int = subprocess.DEVNULL,
        pass_fds: Sequence[int] = (),
    ) -> Running:
        """Start; a terminal is all three descriptors, in its own session, without echo."""
        command = self.command(argv, options, pid1=pid1, terminal=terminal, wrap=wrap)
        return self.raw(
            command, terminal=terminal, env=env, cwd=cwd, stdin=stdin, pass_fds=pass_fds
        )

    def raw(
        self,
        command: Sequence[str],
        *,
        terminal: bool = False,
        env: Mapping[str, str] | None = None,
        cwd: str | Path | None = None,
        stdin: int = subprocess.DEVNULL,
        pass_fds: Sequence[int] = (),
    ) -> Running:
        """Start a whole command line in which the reaper turns up sooner or later."""
        master = slave = None
        if terminal:
            master, slave = pty.openpty()
            modes = termios.tcgetattr(slave)
            modes[3] &= ~termios.ECHO
            termios.tcsetattr(slave, termios.TCSANOW, modes)
        popen = subprocess.Popen(
            command,
            env=env,
            cwd=cwd,
            pass_fds=tuple(pass_fds),
            stdin=stdin if slave is None else slave,
            stdout=subprocess.PIPE if slave is None else slave,
            stderr=subprocess.PIPE if slave is None else slave,
            start_new_session=terminal and command[0] == "unshare",
            bufsize=0,
        )
        if master is not None and slave is not None:
            os.close(slave)
            out = err = Stream(master)
        else:
            assert popen.stdout is not None
            assert popen.stderr is not None
            out, err = Stream(popen.stdout.fileno()), Stream(popen.stderr.fileno())
        running = Running(popen, out, err, self.executable, master)
        self.started.append(running)
        return running

    def close(self) -> None:
        """End whatever still runs."""
        while self.started:
            self.started.pop().close()
