"""The webhook on loopback, and one call to it as the API server makes it."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import StringIO
from time import monotonic
from typing import Any

import httpx
import msgspec

import initshim
from webhook.core.errors import InitshimError
from webhook.core.patch import Patch, apply
from webhook.core.pod import Json
from webhook.server.log_lines import Log
from webhook.server.run import Running, serve
from webhook.settings import load

_TIMEOUT = 10.0


class DemoFailed(InitshimError):
    """The webhook did not answer as it should."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back: the patch, the pod that it makes, the TLS version, and how long it took."""

    url: str
    tls: str
    patch: Patch
    pod: Json
    milliseconds: float


@asynccontextmanager
async def webhook() -> AsyncIterator[Running]:
    """Serve on free ports of loopback with a certificate of this run's own."""
    settings = load(
        tls="dev", host="localhost", port=0, http_port=0, drain_seconds=0, lookups=False,
        delivery="initContainer", on_unresolved="admit", pull_secrets=False, warm_up=False,
    )  # fmt: skip
    log, stop = Log("error", "text", StringIO()), asyncio.Event()
    running: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        serve(
            settings,
            version=initshim.__version__,
            log=log,
            stop=stop,
            announce=running.set_result,
        )
    )
    either: list[asyncio.Future[Any]] = [serving, running]
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            await serving  # raises what made the start impossible
        yield running.result()
    finally:
        stop.set()
        await serving


async def call(running: Running, review: Json) -> Answered:
    """Post a review, with the certificate verified, and apply the patch that comes back."""
    url = f"https://localhost:{running.port}/mutate?timeout={_TIMEOUT:.0f}s"
    context = ssl.create_default_context(cadata=running.certificates.state.bundle.decode())
    async with httpx.AsyncClient(verify=context, trust_env=False, timeout=_TIMEOUT) as client:
        start = monotonic()
        answer = await client.post(url, json=review)
        milliseconds = (monotonic() - start) * 1000
    if answer.status_code != httpx.codes.OK:
        raise DemoFailed(f"the webhook answered {answer.status_code}: {answer.text.strip()}")
    response = msgspec.json.decode(answer.content)["response"]
    if not response["allowed"] or "patch" not in response:
        raise DemoFailed(f"the webhook did not patch the pod: {response}")
    patch: Patch = msgspec.json.decode(base64.b64decode(response["patch"]))
    pod: Json = apply(review["request"]["object"], patch)
    stream = answer.extensions["network_stream"].get_extra_info("ssl_object")
    return Answered(url, str(stream.version()), patch, pod, milliseconds)
