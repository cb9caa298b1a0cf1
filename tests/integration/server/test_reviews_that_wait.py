"""Reviews that wait for a registry: how many may, and what becomes of those beyond."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path

from tests.fakes.http import Answer, Request
from tests.fakes.registry import Registry, config_bytes
from tests.fakes.reviews import body, pod, read
from tests.integration.registry.registries import in_thread
from tests.integration.server.running import PATIENCE, Reader, Webhook, request, webhook

CONNECTIONS = 16
WAITING = CONNECTIONS // 2 // 2  # half of the connections may wait, half of those for one namespace


class Held:
    """A registry that answers once it is let."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.go = threading.Event()

    async def __call__(self, asked: Request) -> Answer:
        await asyncio.to_thread(self.go.wait)
        return await self.registry(asked)


def patched(served: Webhook, image: str) -> bool:
    """Whether a pod that says nothing of what it runs was patched."""
    with served.connect() as connection:
        connection.sendall(request(body(pod(containers=[{"name": "app", "image": image}]))))
        return "patch" in read(Reader(connection).response().body)


def test_one_namespaces_reviews_hold_a_quarter_of_the_connections(tmp_path: Path) -> None:
    registry = Registry()
    registry.push("app", "v1", config_bytes(["/app"]))
    held = Held(registry)
    with ExitStack() as stack:
        host = stack.enter_context(in_thread(held))
        entries = {host.authority: {"plainHTTP": True, "addresses": "127.0.0.0/8"}}
        (tmp_path / "registries.json").write_text(json.dumps(entries))
        served = stack.enter_context(
            webhook(
                host="127.0.0.1",
                max_connections=CONNECTIONS,
                lookup_seconds=60,
                registries_file=tmp_path / "registries.json",
            )
        )
        pool = stack.enter_context(ThreadPoolExecutor(2 * WAITING))
        stack.callback(held.go.set)
        image = f"{host.authority}/app:v1"
        asking = [pool.submit(patched, served, image) for _ in range(2 * WAITING)]
        answers = as_completed(asking, timeout=PATIENCE)
        left_alone = [next(answers).result() for _ in range(WAITING)]
        held.go.set()
        waited = [each.result() for each in answers]
    assert (left_alone, waited) == ([False] * WAITING, [True] * WAITING)
