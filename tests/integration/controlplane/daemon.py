"""A program that serves: started, probed, paused, killed and started again on the same port."""

import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

PATIENCE = 60.0


class Daemon:
    """One program with its log; `ready` is asked until it says yes. Restarts keep the command."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, ready: Callable[[], bool]
    ) -> None:
        self.name = name
        self.log = log
        self._command = list(command)
        self._ready = ready
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id; it has one while it runs."""
        assert self._popen
        return self._popen.pid

    @property
    def alive(self) -> bool:
        """Does it run?"""
        return self._popen is not None and self._popen.poll() is None

    def start(self, *, wait: bool = True) -> None:
        """Start it, and wait until it is ready; its log goes on where it was."""
        assert not self.alive
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(self._command, stdout=log, stderr=log)
        if wait:
            self.wait_ready()

    def wait_ready(self, *, patience: float = PATIENCE) -> None:
        """Wait until it serves."""
        end = time.monotonic() + patience
        while not self._ready():
            assert self.alive, f"{self.name} ended:\n{self.tail()}"
            assert time.monotonic() < end, f"{self.name} is not ready:\n{self.tail()}"
            time.sleep(0.1)

    def stop(self) -> None:
        """Ask it to end, and wait; kill it if it does not. Works on a paused one, too."""
        if self._popen is None:
            return
        if self.alive:
            self.resume()
            self._popen.terminate()
        try:
            self._popen.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it as a node's death would: SIGKILL."""
        assert self._popen
        self._popen.kill()
        self._popen.wait(PATIENCE)

    def restart(self) -> None:
        """Stop it and start it again."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Stop its clock, not its connections: SIGSTOP."""
        assert self._popen
        self._popen.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on: SIGCONT."""
        assert self._popen
        self._popen.send_signal(signal.SIGCONT)

    def tail(self, lines: int = 20) -> str:
        """Give the end of its log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])
