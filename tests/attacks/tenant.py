"""The honest neighbour, in a process of its own: a registry, pods at a steady pace, and probes.

It prints its registry's address, reads where the webhook is, and then for each line on stdin prints
what it felt since the line before. Half of its containers name an image that nobody looked up yet,
and a quarter of its pods are large.
"""

import asyncio
import json
import ssl
import sys
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any

from tests.attacks.wire import API_SERVER, KUBELET, Peer, get, post
from tests.fakes.http import Answer, Request, serve
from tests.fakes.registry import Registry, config_bytes
from tests.fakes.reviews import body, patched, pod, read, review
from webhook.core.argv import INIT

NAMESPACE = "honest"
PACE = 0.25  # seconds between two pods, whether or not the one before was answered
_LARGE = 4  # every so many pods one has 100 KB
_KNOWN = 5  # images that all pods share; each pod names a new one beside


@dataclass
class Felt:
    """What was felt: seconds of each review and each probe, and what went wrong, in words."""

    reviews: list[float] = field(default_factory=list)
    probes: list[float] = field(default_factory=list)
    unwrapped: list[str] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)


class Tenant:
    """Sends pods as the API server does, and probes as the kubelet does."""

    def __init__(self, authority: str, registry: Registry, where: dict[str, Any]) -> None:
        tls = ssl.create_default_context(cafile=where["ca"])
        self._reviews = Peer(where["port"], tls, API_SERVER)
        self._probes = where["http_port"]
        self._authority = authority
        self._registry = registry
        self._numbers = count()
        self.felt = Felt()

    async def live(self) -> None:
        """Send a pod and a probe every PACE seconds, for ever."""
        async with asyncio.TaskGroup() as tasks:
            for number in self._numbers:
                tasks.create_task(self._pod(number))
                tasks.create_task(self._probe())
                await asyncio.sleep(PACE)

    async def _pod(self, number: int) -> None:
        clock = asyncio.get_running_loop().time
        felt, start = self.felt, clock()
        sent = self._made(number)
        content = body(sent, uid=str(number), namespace=NAMESPACE)
        try:
            status, answer = await self._reviews.call(post(content))
            said = _complaint(status, answer, str(number), sent)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            said = f"no answer: {error!r}"
        felt.reviews.append(clock() - start)
        if said:
            felt.unwrapped.append(said)

    def _made(self, number: int) -> dict[str, Any]:
        names = (f"known{number % _KNOWN}", f"new{number}")
        for name in names:
            self._registry.push(name, "1", config_bytes([f"/{name}"]))
        containers = [{"name": "own", "image": "x", "command": ["/x"]}]
        containers += [
            {"name": f"c{at}", "image": f"{self._authority}/{name}:1"}
            for at, name in enumerate(names)
        ]
        made = pod(containers=containers)
        if number % _LARGE == 0:
            made["metadata"]["annotations"] = {"note": "x" * 100_000}
        return made

    async def _probe(self) -> None:
        """Ask on a connection of its own, as the kubelet does."""
        clock = asyncio.get_running_loop().time
        felt, start = self.felt, clock()
        peer = Peer(self._probes, None, KUBELET)
        try:
            status, _ = await peer.call(get("/healthz"))
            if status != 200:
                felt.dead.append(f"/healthz {status}")
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            felt.dead.append(repr(error))
        finally:
            peer.close()
        felt.probes.append(clock() - start)


def _complaint(status: int, answer: bytes, uid: str, sent: dict[str, Any]) -> str:
    """Say what is wrong with the answer, "" where every container is wrapped."""
    if status != 200:
        return f"{status} {answer[:200]!r}"
    response = read(answer, uid)
    if "patch" not in response:
        return f"left alone: {response.get('warnings')}"
    after = patched(review(sent)["request"]["object"], response)
    left = [
        each["name"] for each in after["spec"]["containers"] if each.get("command", [""])[0] != INIT
    ]
    return f"left {left}: {response.get('warnings')}" if left else ""


def limit(_request: Request, repository: str) -> Answer | None:
    """Limit how often some of its images are asked for, as Docker Hub does."""
    return Answer(429, {"Retry-After": "300"}) if repository.startswith("limited/") else None


async def main() -> None:
    """Live until stdin ends."""
    registry = Registry(gate=limit)
    loop = asyncio.get_running_loop()
    async with serve(registry) as host:
        print(host.authority, flush=True)
        where = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
        tenant = Tenant(host.authority, registry, where)
        living = asyncio.create_task(tenant.live())
        while await loop.run_in_executor(None, sys.stdin.readline):
            felt, tenant.felt = tenant.felt, Felt()
            print(json.dumps(asdict(felt)), flush=True)
        living.cancel()


if __name__ == "__main__":
    asyncio.run(main())
