"""One pod of the webhook as a process: how it is started, its log, and what a test does to it."""

import json
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import psutil

from tests.integration.server.process import Running


@dataclass(frozen=True, slots=True)
class Launch:
    """How a container is started, and asked whether it is ready."""

    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    """Where it runs; its log is a file in there."""
    readiness: str = "/readyz"
    period: float = 2.0
    """Seconds between two questions to a replica that is ready."""
    unready_period: float = 0.2
    """Seconds between two questions to one that is not."""


class Replica(Running):
    """A pod of the webhook: its process, its log, `get("/metrics")`, what a test does to it."""

    def __init__(self, launch: Launch, log: Path) -> None:
        self.launch = launch
        self.log = log
        self.wanted = True
        self.ready = False
        self.held = False
        self.restarts = 0
        self._lock = threading.Lock()
        super().__init__(self._start())

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.popen.pid

    @property
    def process(self) -> psutil.Process:
        """The process, to measure it."""
        return psutil.Process(self.pid)

    @property
    def memory(self) -> int:
        """Its resident bytes."""
        return int(self.process.memory_info().rss)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.popen.poll() is None

    @property
    def written(self) -> list[str]:
        """What it wrote, since its container was first started."""
        return self.log.read_text().splitlines()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its log, without a line that a full disk has cut off."""
        return [line for text in self.written if (line := _read(text))]

    def metric(self, metric: str, **labels: str) -> float:
        """Add up a metric over the series that have these labels."""
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(
            float(line.rpartition(" ")[2])
            for line in self.get("/metrics")[1].splitlines()
            if line.startswith((f"{metric}{{", f"{metric} ")) and all(x in line for x in wanted)
        )

    def probe(self) -> bool:
        """Ask what the pod's readinessProbe asks: a second's patience."""
        if not self.http_port and not self._learn_ports():
            return False
        connection = HTTPConnection("127.0.0.1", self.http_port, timeout=1)
        try:
            connection.request("GET", self.launch.readiness)
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def kill(self) -> None:
        """SIGKILL of the container; another is started."""
        self.popen.kill()

    def pause(self) -> None:
        """SIGSTOP: connections stay, nobody answers."""
        self.popen.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self.popen.send_signal(signal.SIGCONT)

    def give_up(self, number: int) -> None:
        """Send a signal, and start nothing any more."""
        with self._lock:
            self.wanted = False
            self.resume()
            self.popen.send_signal(number)

    def restart(self) -> None:
        """Start the container again, on its old ports, unless the pod is being deleted."""
        with self._lock:
            if self.wanted:
                self.popen = self._start()
                self.restarts += 1

    def _start(self) -> "subprocess.Popen[str]":
        ports = {"INITSHIM_PORT": str(self.port), "INITSHIM_HTTP_PORT": str(self.http_port)}
        with self.log.open("a") as out:
            return subprocess.Popen(
                self.launch.command,
                env={**self.launch.environment, **ports},
                cwd=self.launch.folder,
                stdout=subprocess.DEVNULL,
                stderr=out,
                text=True,
            )

    def _learn_ports(self) -> bool:
        serving = next((line for line in self.lines if line["event"] == "serving"), None)
        if serving:
            self.port, self.http_port = serving["port"], serving["http_port"]
        return serving is not None


def _read(text: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError:
        return {}
    return found
