"""A program of the node: how it is started, when it is ready, how it ends."""

import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.integration.node.layout import NODE_IP, Layout

PATIENCE = 180.0
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class NotReady(Exception):
    """A program of the node did not come up; the message has the end of its log."""


@dataclass(frozen=True, slots=True)
class Component:
    """One program, its configuration files (name below `Layout.config` → text), its probe."""

    name: str
    command: tuple[str, ...]
    ready: Callable[[], bool]
    files: Mapping[str, str] = field(default_factory=dict)


def flags(named: Mapping[str, object]) -> tuple[str, ...]:
    """Write a program's options as Kubernetes' programs want them."""
    return tuple(f"--{name}={value}" for name, value in named.items())


def serves(port: int) -> Callable[[], bool]:
    """Give a probe: does somebody listen on this port of the node?"""

    def probe() -> bool:
        try:
            socket.create_connection((NODE_IP, port), timeout=1).close()
        except OSError:
            return False
        return True

    return probe


def listens(layout: Layout, path: str) -> Callable[[], bool]:
    """Give a probe: does somebody listen on this socket's path in the node?"""

    def probe() -> bool:
        with socket.socket(socket.AF_UNIX) as asking:
            try:
                asking.connect(str(layout.inside(path)))
            except OSError:
                return False
        return True

    return probe


def outlive(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> int:
    """Start a program that is nobody's child: it outlives us, and nobody has to wait for it."""
    aside = 'setsid "$@" </dev/null >&2 & echo $!'
    with log.open("ab") as said:
        done = subprocess.run(
            ["sh", "-c", aside, "sh", *command], stdout=subprocess.PIPE, stderr=said,
            env=dict(environment), text=True, check=True,
        )  # fmt: skip
    return int(done.stdout)


class Programs:
    """The node's programs, started inside of its namespaces and found again by any process."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def enter(self, *command: str) -> list[str]:
        """Give the command that runs another inside of the node."""
        pid = self._layout.init()
        assert pid, "the node is off"
        return ["nsenter", f"--target={pid}", *["-p", "-m", "-n", "-u", "-i"], "--", *command]

    def start(self, component: Component) -> None:
        """Write its configuration and start it; it outlives whoever started it."""
        layout = self._layout
        for name, text in component.files.items():
            file = layout.config / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        environment = {"PATH": f"{layout.folder / 'bin'}:{_PATH}", "HOME": "/root"}
        command = self.enter(*component.command)
        pid = outlive(command, layout.logs / f"{component.name}.log", environment)
        (layout.run / f"{component.name}.pid").write_text(str(pid))

    def wait(self, component: Component, patience: float = PATIENCE) -> None:
        """Wait until it is ready. Raises NotReady."""
        until = time.monotonic() + patience
        while not component.ready():
            if self.find(component.name) is None or time.monotonic() > until:
                raise NotReady(f"{component.name} is not ready:\n{self.tail(component.name)}")
            time.sleep(0.2)

    def find(self, name: str) -> psutil.Process | None:
        """Give the program itself; None where it has ended."""
        try:
            nsenter = psutil.Process(int((self._layout.run / f"{name}.pid").read_text()))
            if nsenter.status() == psutil.STATUS_ZOMBIE:
                return None
            children = nsenter.children()
        except (OSError, ValueError, psutil.NoSuchProcess):
            return None
        return children[0] if children else nsenter  # it has not forked yet

    def stop(self, name: str) -> None:
        """End it as systemd would: SIGTERM, and after ten seconds SIGKILL."""
        self._end(name, kill=False)

    def kill(self, name: str) -> None:
        """End it at once."""
        self._end(name, kill=True)

    def _end(self, name: str, *, kill: bool) -> None:
        found = self.find(name)
        if found is None:
            return
        with suppress(psutil.NoSuchProcess):
            if not kill:
                found.terminate()
                with suppress(psutil.TimeoutExpired):
                    found.wait(10)
                    return
            found.kill()
            found.wait(10)

    def tail(self, name: str, lines: int = 15) -> str:
        """Give the end of its log."""
        log = self._layout.logs / f"{name}.log"
        text = log.read_text(errors="replace") if log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])
