"""Clusters of thousands, without a network: what `initshim leaks` asks of an API server and nodes.

It answers as kube.client.KubeClient and kube.exec.exec_in do, at once, and notes how many calls
there were and how many of them at a time. What a census or a probe prints, they printed once, of
a folder of processes.
"""

import asyncio
import subprocess
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.fakes import proc_folder
from tests.fakes.proc_folder import Process
from webhook.cli.leaks.pods import Running
from webhook.cli.leaks.probes import PROBES
from webhook.kube.errors import Missing
from webhook.kube.objects import Kind, Ref

Json = dict[str, Any]
ZOMBIES = 3


@dataclass
class Counted:
    """Calls by verb, and how many were under way at once."""

    calls: Counter[str] = field(default_factory=Counter)
    now: int = 0
    most: int = 0

    @contextmanager
    def call(self, verb: str) -> Iterator[None]:
        """Count one."""
        self.calls[verb] += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            yield
        finally:
            self.now -= 1


@dataclass
class ManyNodes:
    """Nodes on which a pod ends at once, having counted one container of ZOMBIES zombies."""

    census: Path
    counted: Counted = field(default_factory=Counted)
    pods: dict[str, Json] = field(default_factory=dict)
    most_pods: int = 0
    full: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when `most_pods` is `awaited`."""
    awaited: int = 0
    stuck: set[str] = field(default_factory=set)
    """Nodes whose pods never end."""

    async def create(self, ref: Ref, body: Json) -> Json:
        with self.counted.call("create"):
            await asyncio.sleep(0)
            self.pods[ref.path] = body
            self.most_pods = max(self.most_pods, len(self.pods))
            if self.most_pods == self.awaited:
                self.full.set()
            return body

    async def get(self, ref: Ref) -> Json:
        with self.counted.call("get"):
            await asyncio.sleep(0)
            node = self.pods[ref.path]["spec"]["nodeName"]
            return {"status": {"phase": "Running" if node in self.stuck else "Succeeded"}}

    async def text(self, _what: str, path: str) -> str:
        with self.counted.call("log"):
            await asyncio.sleep(0)
            node = self.pods[path.partition("/log?")[0]]["spec"]["nodeName"]
            return census_log(self.census).replace(identity(0), identity(int(node[1:])))

    async def delete(self, ref: Ref) -> None:
        with self.counted.call("delete"):
            await asyncio.sleep(0)
            if self.pods.pop(ref.path, None) is None:
                raise Missing("gone")

    async def delete_all(self, _kind: Kind, _namespace: str, *, labels: str) -> None:
        with self.counted.call("deletecollection"):
            key, _, value = labels.partition("=")
            for path, pod in list(self.pods.items()):
                if pod["metadata"]["labels"].get(key) == value:
                    del self.pods[path]


@cache
def census_log(census: Path) -> str:
    """Give what the census writes on the node of container 0, which leaks."""
    cgroup = f"0::/kubepods/pod{0:032x}/{identity(0)}"
    zombies = (
        Process(pid=10 + at, inner=2 + at, name="sh", state="Z", parent=7, cgroup=cgroup)
        for at in range(ZOMBIES)
    )
    with tempfile.TemporaryDirectory() as folder:
        of_node, first = Process(pid=1), Process(pid=7, inner=1, parent=6, cgroup=cgroup)
        proc_folder.write(Path(folder), of_node, first, *zombies)
        return _print([str(census), "--watch", "1", "--proc", folder])


@cache
def probe_prints() -> str:
    """Give what the probe by a shell prints in a container of two processes and the zombies."""
    zombies = (Process(pid=10 + at, name="sh", state="Z", parent=1) for at in range(ZOMBIES))
    with tempfile.TemporaryDirectory() as folder:
        processes = Process(pid=1, catches_term=True), Process(pid=2, name="worker", parent=1)
        proc_folder.write(Path(folder), *processes, *zombies)
        return _print([word.replace("/proc", folder) for word in PROBES[0].command])


def _print(command: list[str]) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def identity(number: int) -> str:
    """Give a container's id."""
    return f"{number:064x}"


def pod(number: int) -> Json:
    """Give a pod as large as pods are, one of ten of its workload."""
    name = f"web-{number // 10}"
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": name, "controller": True}
    env = [{"name": f"SETTING_{at}", "value": f"value {number} {at}"} for at in range(40)]
    return {
        "metadata": {
            "namespace": "shop",
            "name": f"{name}-{number % 10}",
            "ownerReferences": [owner],
            "managedFields": [
                {"manager": "kubelet", "fieldsV1": {f"f:{at}": {} for at in range(60)}}
            ],
        },
        "spec": {
            "nodeName": f"n{number}",
            "containers": [{"name": "app", "image": "app", "command": ["app"], "env": env}],
        },
        "status": {
            "containerStatuses": [
                {
                    "name": "app",
                    "containerID": f"containerd://{identity(number)}",
                    "state": {"running": {"startedAt": "2026-11-01T00:00:00Z"}},
                }
            ]
        },
    }


@dataclass
class ManyPods:
    """An API server's list of pods, made as they are read."""

    count: int

    async def list(self, kind: Kind, *, namespace: str | None = None) -> AsyncIterator[Json]:
        assert namespace is None
        for number in range(self.count if kind.name == "Pod" else 0):
            yield pod(number)


@dataclass
class Time:
    """A clock that moves when somebody sleeps, or a call takes a while."""

    now: float = 0.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, until)


@dataclass
class ManyContainers:
    """Containers that print two processes and ZOMBIES zombies; a call takes `takes` seconds."""

    time: Time
    takes: float = 0.0
    counted: Counted = field(default_factory=Counted)
    looked: dict[str, list[float]] = field(default_factory=dict)

    async def run(self, container: Running, _command: tuple[str, ...]) -> str:
        with self.counted.call("exec"):
            self.looked.setdefault(container.pod, []).append(self.time.now)
            self.time.now += self.takes
            await asyncio.sleep(0)
            return probe_prints()
