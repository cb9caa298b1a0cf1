"""A real webhook process in the chart's memory limit, an honest tenant, room for an attacker."""

import asyncio
import json
import os
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.attacks.cluster import Cluster
from tests.attacks.limit import limited
from tests.attacks.tenant import NAMESPACE, Felt
from tests.attacks.wire import API_SERVER, STRANGER, Peer, Streams, post
from tests.fakes.http import Answer, Request
from tests.fakes.lookups import plain
from tests.fakes.reviews import body
from tests.integration.registry.registries import in_thread
from tests.integration.server.process import Process, certificate, started

ROOT = Path(__file__).parents[2]
HOSTILE = "hostile"
_BEHIND = 15  # steps of priority: the webhook gets 28 times as much where both want a CPU


def yield_cpu() -> None:
    """Leave the CPUs to others: to be called by each thread that attacks.

    An attacker on another machine would not take them from the webhook, as one on this machine
    does when it makes its requests. On Linux each thread has a priority of its own.
    """
    behind = os.getpriority(os.PRIO_PROCESS, os.getpid()) + _BEHIND
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), behind)


async def never(_request: Request) -> Answer:
    """Answer later than anybody waits: what a registry of the attacker's may do."""
    await asyncio.sleep(60)
    return Answer(404)


async def _nothing(_request: Request) -> Answer:
    return Answer(404)


@dataclass
class Arena:
    """What an attack may use; `registry` answers as `hostile` says, `shared` is the tenant's."""

    webhook: Process
    tls: ssl.SSLContext
    api: Cluster
    registry: str = ""
    shared: str = ""
    hostile: Callable[[Request], Awaitable[Answer]] = _nothing
    limit: str = ""
    sent: dict[str, int] = field(default_factory=dict)
    held: list[Streams] = field(default_factory=list)

    def stranger(self, *, plain_port: bool = False) -> Peer:
        """A peer on the pod network, on the port of reviews or of probes."""
        port = self.webhook.http_port if plain_port else self.webhook.port
        return Peer(port, None if plain_port else self.tls, STRANGER)

    def api_server(self) -> Peer:
        """The API server, which passes on what anybody may create."""
        return Peer(self.webhook.port, self.tls, API_SERVER)

    async def create(self, *pods: Any, peer: Peer | None = None) -> None:
        """Have pods of the hostile namespace reviewed, all at once; whatever comes of them."""
        await self.post(*(body(each, namespace=HOSTILE) for each in pods), peer=peer)

    async def post(self, *bodies: bytes, peer: Peer | None = None) -> None:
        """Send bodies as reviews, all at once."""
        sender = peer or self.api_server()
        try:
            done = await asyncio.gather(
                *(sender.call(post(each), seconds=30) for each in bodies), return_exceptions=True
            )
        finally:
            sender.close()
        for each in done:
            key = str(each[0]) if isinstance(each, tuple) else type(each).__name__
            self.sent[key] = self.sent.get(key, 0) + 1

    def memory(self) -> int:
        """Bytes that the webhook holds."""
        return int(psutil.Process(self.webhook.popen.pid).memory_info().rss)


class Neighbour:
    """The honest tenant's process."""

    def __init__(self) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "tests.attacks.tenant"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._popen.stdout
        self.authority = self._popen.stdout.readline().strip()

    def begin(self, **where: object) -> None:
        """Tell it where the webhook is."""
        self._say(json.dumps(where))

    def felt(self) -> Felt:
        """Ask what it felt since it was asked last."""
        self._say("felt")
        assert self._popen.stdout
        return Felt(**json.loads(self._popen.stdout.readline()))

    def end(self) -> None:
        """End it."""
        self._popen.kill()
        self._popen.communicate()

    def _say(self, line: str) -> None:
        assert self._popen.stdin
        self._popen.stdin.write(f"{line}\n")
        self._popen.stdin.flush()


@contextmanager
def arena(**settings: object) -> Iterator[tuple[Arena, Neighbour]]:
    """Start all of it, and end it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        neighbour = Neighbour()
        stack.callback(neighbour.end)

        async def answer(request: Request) -> Answer:
            yield_cpu()
            return await found.hostile(request)

        host = stack.enter_context(in_thread(answer))
        registries = folder / "registries.yaml"
        registries.write_text(json.dumps(plain(host.authority, neighbour.authority)))
        api = Cluster()
        stack.callback(api.end)
        for each in (NAMESPACE, HOSTILE):
            api.put(
                f"/api/v1/namespaces/{each}/serviceaccounts/default", {"kind": "ServiceAccount"}
            )
        files = certificate(folder, ca=folder / "ca.crt")
        given = {"registries_file": registries, "pull_secrets": True}
        command = [sys.executable, "-m", "tests.attacks.serve", api.url, "serve"]
        webhook = stack.enter_context(started(command, {**given, **files.settings, **settings}))
        found = Arena(webhook, files.client, api, host.authority, neighbour.authority)
        found.limit = stack.enter_context(limited(webhook.popen.pid))
        neighbour.begin(port=webhook.port, http_port=webhook.http_port, ca=str(folder / "ca.crt"))
        yield found, neighbour
