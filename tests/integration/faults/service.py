"""The webhook's replicas and what a cluster does with them: restart, probe, balance.

A small kubelet and a small kube-proxy, with the Deployment's own environment and its probe's
period. Each replica is a process; its log is a file.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO

import psutil

from tests.integration.controlplane.plane import free_port
from tests.leftovers import mark

LAUNCH = [sys.executable, "-m", "tests.integration.faults.replica", "serve"]
PROBE_SECONDS = 2.0  # the chart's readinessProbe
_BACKOFF = 1.0
_PATIENCE = 90.0
_ROOT = Path(__file__).parents[3]


def await_change(what: str, is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + _PATIENCE
    while not is_so():
        assert time.monotonic() < end, f"{what}: not in {_PATIENCE:g} s"
        time.sleep(0.1)


@dataclass
class Replica:
    """A pod of the webhook; its container is started again when it ends."""

    port: int
    http_port: int
    log: Path
    popen: subprocess.Popen[bytes]
    launch: "Launch"
    wanted: bool = True
    ready: bool = False
    restarts: int = 0

    @property
    def alive(self) -> bool:
        return self.popen.poll() is None

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self.popen.pid)

    @property
    def memory(self) -> int:
        """Its resident bytes."""
        return int(self.process.memory_info().rss)

    def probe(self) -> bool:
        """Ask /readyz, as the kubelet does."""
        connection = HTTPConnection("127.0.0.1", self.http_port, timeout=1)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


@dataclass
class Launch:
    """How a replica is started: its environment, and what comes before the program."""

    environment: Mapping[str, str]
    prefix: tuple[str, ...] = ()
    folder: Path = Path()

    def __call__(self, port: int, http_port: int, log: Path) -> subprocess.Popen[bytes]:
        """Start one."""
        own = {"INITSHIM_PORT": str(port), "INITSHIM_HTTP_PORT": str(http_port)}
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        with log.open("ab") as out:
            return subprocess.Popen(
                [*self.prefix, *LAUNCH],
                env={**kept, **mark(), "PYTHONPATH": str(_ROOT), **self.environment, **own},
                cwd=self.folder,
                stdout=out,
                stderr=out,
            )


@dataclass
class Service:
    """The replicas, and the address at which they are had."""

    address: str
    launch: Launch
    balancer: subprocess.Popen[str]
    replicas: list[Replica] = field(default_factory=list)
    started: int = 0
    _told: str = ""
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def add(self) -> Replica:
        """Start one more replica."""
        self.started += 1
        port, http_port = free_port(), free_port()
        log = self.launch.folder / f"replica-{self.started}.log"
        started = self.launch(port, http_port, log)
        replica = Replica(port, http_port, log, started, self.launch)
        with self._lock:
            self.replicas.append(replica)
        return replica

    def remove(self, replica: Replica, *, seconds: float = 60.0) -> None:
        """Delete a pod: SIGTERM, and wait until it has ended."""
        replica.wanted = False
        replica.popen.terminate()
        try:
            replica.popen.wait(seconds)
        finally:
            replica.popen.kill()
            with self._lock:
                self.replicas.remove(replica)

    def roll(self) -> None:
        """Replace every replica as the chart's Deployment does: a new one first, then an old."""
        for old in list(self.replicas):
            new = self.add()
            await_change("a new replica is ready", partial(getattr, new, "ready"))
            self.remove(old)

    def await_ready(self) -> None:
        """Wait until every replica is an endpoint."""
        await_change("all replicas are ready", lambda: all(each.ready for each in self.replicas))

    def usage(self) -> tuple[float, int]:
        """Give the replicas' seconds of CPU so far and their bytes of memory, together."""
        seconds, memory = 0.0, 0
        for each in list(self.replicas):
            if each.alive:
                times = each.process.cpu_times()
                seconds += times.user + times.system
                memory += each.memory
        return seconds, memory

    def logged(self, event: str) -> int:
        """Count an event in the logs of the replicas that run."""
        lines = (line for each in self.replicas for line in each.log.read_text().splitlines())
        return sum(_event(line) == event for line in lines)

    def kill_all(self) -> int:
        """End all replicas at once, and give how many they were."""
        count = len(self.replicas)
        for each in list(self.replicas):
            each.wanted = False
            each.popen.kill()
            self.remove(each)
        return count

    def start(self, count: int, environment: Mapping[str, str]) -> None:
        """Start so many replicas with this in addition to the Deployment's environment."""
        plain = self.launch
        self.launch = Launch({**plain.environment, **environment}, plain.prefix, plain.folder)
        for _ in range(count):
            self.add()
        self.launch = plain
        self.await_ready()

    def watch(self) -> None:
        """Be the kubelet and the endpoints controller until the end."""
        probed = 0.0
        while not self._stop.wait(0.25):
            with self._lock:
                for each in self.replicas:
                    self._restart(each)
                if time.monotonic() - probed >= PROBE_SECONDS:
                    probed = time.monotonic()
                    for each in self.replicas:
                        each.ready = each.alive and each.probe()
                self._tell([each for each in self.replicas if each.ready])

    def close(self) -> None:
        """End everything."""
        self._stop.set()
        for each in self.replicas:
            each.popen.kill()
            each.popen.wait()

    def _restart(self, replica: Replica) -> None:
        if replica.alive:
            return
        replica.ready = False
        if replica.wanted and not self._stop.wait(_BACKOFF):
            replica.restarts += 1
            replica.popen = replica.launch(replica.port, replica.http_port, replica.log)

    def _tell(self, ready: list[Replica]) -> None:
        line = " ".join(f"127.0.0.1:{each.port}" for each in ready)
        if line != self._told:
            self._told = line
            _pipe(self.balancer).write(f"{line}\n")
            _pipe(self.balancer).flush()


@contextmanager
def service(balancer: Path, address: str, launch: Launch, count: int) -> Iterator[Service]:
    """Run so many replicas behind an address until the end of the block."""
    process = subprocess.Popen(
        [balancer, address], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    running = Service(address, launch, process)
    watching = threading.Thread(target=running.watch)
    try:
        for _ in range(count):
            running.add()
        watching.start()
        running.await_ready()
        yield running
    finally:
        running.close()
        watching.join()
        process.kill()
        process.wait()
        _pipe(process).close()


def _pipe(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdin
    return process.stdin


def _event(line: str) -> str:
    """Give what a line of a log is about; "" for one that a full disk has cut off."""
    try:
        return str(json.loads(line)["event"])
    except ValueError:
        return ""
