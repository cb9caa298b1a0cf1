"""The warm-up inside the webhook's process: after the start, and no longer than the process."""

import asyncio
import json
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.api_server import ApiServer, serving
from tests.fakes.http import Answer, Request, serve
from tests.fakes.lookups import plain
from tests.fakes.registry import Registry, config_bytes
from tests.fakes.reviews import body, pod
from tests.integration.server.running import PATIENCE, Reader, Webhook, request, webhook
from webhook.kube import connect
from webhook.kube.connect import Connection


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    """The API server that the webhook finds itself in the cluster of."""
    server = ApiServer()
    server.put("/api/v1/namespaces/n", {"metadata": {"labels": {"initshim.dev/inject": "enabled"}}})

    async def token() -> None:
        return None

    with serving(server) as url:
        connection = Connection(url, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), token)
        monkeypatch.setattr(connect, "in_cluster", lambda _: connection)
        yield server


def deploy(server: ApiServer, image: str) -> None:
    template = {"spec": {"containers": [{"name": "c", "image": image}]}}
    path = "/apis/apps/v1/namespaces/n/deployments/d"
    server.put(path, {"metadata": {"namespace": "n"}, "spec": {"template": template}})


def settings(tmp_path: Path, authority: str) -> dict[str, Any]:
    (tmp_path / "registries.yaml").write_text(json.dumps(plain(authority)))  # JSON is YAML
    return {"warm_up": True, "registries_file": tmp_path / "registries.yaml"}


async def warmed(served: Webhook) -> dict[str, Any]:
    """Wait for the line that ends the warm-up."""
    return await noted(served, "warm-up-ended")


async def noted(served: Webhook, event: str) -> dict[str, Any]:
    """Wait for the first line of an event."""
    async with asyncio.timeout(PATIENCE):
        while True:
            for line in served.lines:
                if line["event"] == event:
                    return line
            await asyncio.sleep(0.02)


async def test_the_webhook_warms_up_once_it_serves(server: ApiServer, tmp_path: Path) -> None:
    registry = Registry()
    registry.push("app", "v1", config_bytes(["/app"]))
    async with serve(registry) as host:
        deploy(server, f"{host.authority}/app:v1")
        with webhook(**settings(tmp_path, host.authority)) as served:
            line = await warmed(served)
            assert (line["images"], line["unresolved"], line["level"]) == (1, 0, "info")


async def test_a_warm_up_that_hangs_does_not_keep_the_process(
    server: ApiServer, tmp_path: Path
) -> None:
    """`webhook` fails where the process does not end."""

    asked = asyncio.Event()

    async def hang(_request: Request) -> Answer:
        asked.set()
        await asyncio.sleep(3600)
        return Answer()

    async with serve(hang) as host:
        deploy(server, f"{host.authority}/app:v1")
        more = {**settings(tmp_path, host.authority), "lookup_seconds": 3600.0}
        with webhook(**more) as served:
            await asyncio.wait_for(asked.wait(), PATIENCE)
        assert served.lines[-1]["event"] == "stopped"
        assert not any(line["event"] == "warm-up-ended" for line in served.lines)


async def test_what_can_not_be_loaded_yet_ends_nothing_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is out of descriptors can import nothing; it has them again later."""
    registry = Registry()
    registry.push("app", "v1", config_bytes(["/app"]))
    monkeypatch.setitem(sys.modules, "webhook.assembly.resolver", None)  # to import it fails
    async with serve(registry) as host:
        chosen = settings(tmp_path, host.authority) | {"warm_up": False, "lookups": True}
        with webhook(**chosen) as served:
            await noted(served, "lookups-not-loaded")
            assert await asyncio.to_thread(wrapped, served, {"command": ["/app"]})
            monkeypatch.delitem(sys.modules, "webhook.assembly.resolver")
            image = {"image": f"{host.authority}/app:v1"}
            assert await asyncio.to_thread(wrapped, served, image)


def wrapped(served: Webhook, container: dict[str, Any]) -> bool:
    """Send a pod of one container, and tell whether it is patched."""
    sent = body(pod(containers=[{"name": "c", "image": "a", **container}]))
    with served.connect() as connection:
        connection.sendall(request(sent))
        answer = json.loads(Reader(connection).response().body)
    return "patch" in answer["response"]
