"""Warm-up: each image once, one pod after the other; a failure ends it and nothing else."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from typing import Any

from tests.fakes.http import Answer, Request, serve
from tests.fakes.lookups import asking, plain
from tests.fakes.registry import Registry, config_bytes
from webhook.admission.resolver import ImageResolver
from webhook.admission.warmup import opted_in, warm_up
from webhook.core.policy import Rules
from webhook.kube.client import Client
from webhook.kube.connect import Connection
from webhook.kube.errors import Forbidden


def pod(*images: str) -> dict[str, Any]:
    containers = [{"name": f"c{n}", "image": each} for n, each in enumerate(images)]
    return {"metadata": {}, "spec": {"containers": containers}}


def test_each_image_is_read_once_and_then_costs_nothing() -> None:
    async def test() -> None:
        registry = Registry()
        for name in ("a", "b"):
            registry.push(name, "v1", config_bytes(["/app"]))
        slept: list[float] = []

        async def sleep(seconds: float) -> None:
            slept.append(seconds)

        async with serve(registry) as host, asking(plain(host.authority)) as asker:
            a, b = (f"{host.authority}/{name}:v1" for name in ("a", "b"))

            async def pods() -> AsyncIterator[tuple[str, dict[str, Any]]]:
                for each in (pod(a), pod(a), pod(a, b), {"spec": {"containers": 7}}, pod(b)):
                    yield "team", each
                raise Forbidden("Can't list pods", next_step="Grant it.")

            resolver = ImageResolver(
                asker.images, secrets=None, clock=asker.clock, observer=asker.told
            )
            count = await warm_up(
                pods(),
                resolver=resolver,
                rules=Rules(),
                clock=asker.clock,
                sleep=sleep,
                observer=asker.told,
            )
            assert count == 2
            assert len(slept) == 2
            assert host.busiest == 1
            assert any(note.startswith("warm-up-ended-early") for note in asker.told.notes)
            before = len(host.requests)
            assert (await asker.config(a)).entrypoint == ("/app",)
            assert len(host.requests) == before == 4

    asyncio.run(test())


def test_workloads_of_opted_in_namespaces_are_found() -> None:
    answers: dict[str, list[dict[str, Any]]] = {
        "/api/v1/namespaces": [{"metadata": {"name": "team"}}],
        "/apis/apps/v1/namespaces/team/deployments": [{"spec": {"template": pod("web")}}],
        "/apis/batch/v1/namespaces/team/cronjobs": [
            {"spec": {"jobTemplate": {"spec": {"template": pod("job")}}}}
        ],
    }

    async def api(request: Request) -> Answer:
        if request.path == "/api/v1/namespaces":
            assert request.query["labelSelector"] == "initshim.dev/inject=enabled"
        return Answer(200, {}, json.dumps({"items": answers.get(request.path, [])}).encode())

    async def test() -> None:
        async def no_token() -> None:
            return None

        async with serve(api) as host:
            connection = Connection(host.url, ssl.create_default_context(), no_token)
            async with Client(connection) as client:
                found = [each async for each in opted_in(client)]
        assert found == [("team", pod("web")), ("team", pod("job"))]

    asyncio.run(test())
