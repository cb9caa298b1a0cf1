"""Clusters of thousands, without a network: what `initshim leaks` asks of an API server and nodes.

It answers as kube.client.KubeClient and kube.exec.run do, at once, and notes how many calls there
were and how many of them at a time.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from webhook.cli.leaks.pods import Running
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
            return census_log(int(node.removeprefix("n")))

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


def census_log(number: int) -> str:
    """Give what a census writes on a node of one leaking container."""
    cgroup = f"/kubepods/pod{number:032x}/{identity(number)}"
    parent = {"parent": 7, "parent_name": "app", "parent_parent": 6, "parent_first": 1}
    rows: list[Json] = [
        {"kind": "first", "pid": 7, "name": "app", "group": 1, "cgroup": cgroup, "term": "default"},
        {"kind": "zombies", "name": "sh", "before": ZOMBIES, "now": ZOMBIES, "stayed": ZOMBIES}
        | parent
        | {"group": 1, "cgroup": cgroup},
        {"kind": "group", "group": 1, "processes": 4, "threads": 4, "zombies": ZOMBIES},
        {"kind": "node", "seconds": 5, "processes": 9, "threads": 9, "zombies": ZOMBIES},
    ]
    return "".join(json.dumps(row) + "\n" for row in rows)


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
            return PRINTED


def stat(pid: int, name: str, state: str, parent: int) -> str:
    """Give a line as the kernel writes it (proc(5)): 52 fields."""
    middle, rest = " ".join(["0"] * 15), " ".join(["0"] * 30)
    return f"T {pid} ({name}) {state} {parent} {middle} 1 0 {pid} {rest}\n"


PRINTED = (
    stat(1, "app", "S", 0)
    + stat(2, "worker", "S", 1)
    + "".join(stat(10 + at, "sh", "Z", 1) for at in range(ZOMBIES))
    + "S SigCgt:\t0000000000004000\nL 0.00 0.01 0.05 1/900 5\nL 32768\nL 190000\n"
)
