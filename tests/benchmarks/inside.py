"""Reviews in this process: the webhook's own protocol and application, without sockets and TLS."""

import asyncio
import io
from collections.abc import Callable
from itertools import repeat
from typing import Any

from msgspec.structs import replace
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from tests.benchmarks.reviews import sample
from webhook.admission.admit import Resolver
from webhook.assembly.engine import make_engine
from webhook.base.loop_time import LoopTime
from webhook.core.argv import ImageConfig
from webhook.core.pod import Pod
from webhook.core.policy import NeedsImage, Plan, settle
from webhook.server.app import create_app
from webhook.server.health import Health
from webhook.server.listen import server
from webhook.server.log_lines import Log
from webhook.server.logs import ReviewLog
from webhook.server.metrics import Metrics
from webhook.server.mutate import Limits
from webhook.settings import Settings

HEAD = (
    "POST /mutate?timeout=10s HTTP/1.1\r\nHost: initshim.initshim.svc:443\r\n"
    "User-Agent: kube-apiserver-admission\r\nContent-Length: {size}\r\n"
    "Accept: application/json, */*\r\nContent-Type: application/json\r\n"
    "Accept-Encoding: gzip\r\n\r\n"
)


class Pipe(asyncio.Transport):
    """A transport to nobody; counts the answers."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.answered = asyncio.Event()

    def write(self, data: Any) -> None:
        self.written += data
        if self.written.endswith(b"}"):
            self.answered.set()

    def is_closing(self) -> bool:
        return False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Nowhere(io.StringIO):
    """A file that keeps nothing."""

    def write(self, text: str) -> int:
        return len(text)


class Known:
    """A resolver that knows every image, as a warm cache does."""

    async def resolve(self, plan: Plan, pod: Pod, namespace: str, *, deadline: float) -> Plan:  # noqa: ARG002
        config = ImageConfig(("/app/server",), ("--port=8080",))
        decisions = tuple(
            settle(each.container, config) if isinstance(each, NeedsImage) else each
            for each in plan.decisions
        )
        return replace(plan, decisions=decisions)


async def review_many(
    shape_and_kind: tuple[str, str],
    floor: Callable[[], ASGIApp] | None,
    warm_up: int,
    counted: int,
    *,
    between: Callable[[str], None],
) -> None:
    """Answer reviews, by the webhook or by a floor; `between` hears "on" before those that count.

    And "off" after them.
    """
    body = sample(*shape_and_kind, "registry.example").body
    request = HEAD.format(size=len(body)).encode() + body
    protocol, pipe = _protocol(floor() if floor else _webhook(Known())), Pipe()
    protocol.connection_made(pipe)
    for _ in range(warm_up):
        await _answer(protocol, pipe, request)
    between("on")
    for _ in range(counted):
        await _answer(protocol, pipe, request)
    between("off")


async def _answer(protocol: Any, pipe: Pipe, request: bytes) -> None:
    pipe.written = b""
    pipe.answered.clear()
    protocol.data_received(request)
    await pipe.answered.wait()
    assert pipe.written.startswith(b"HTTP/1.1 200 ")


def _webhook(resolver: Resolver) -> ASGIApp:
    settings = Settings(tls="dev")
    metrics = Metrics("1.0")
    return create_app(
        make_engine(settings, version="1.0", resolver=resolver, observer=metrics),
        health=Health(),
        metrics=metrics,
        log=ReviewLog(Log("info", "json", Nowhere())),
        # Under valgrind a step takes fifty times as long: whoever asks here would be in debt.
        limits=Limits(settings.max_body, settings.lookup_seconds, LoopTime(repeat(0.0).__next__)),
    )


def _protocol(app: ASGIApp) -> Any:
    config = server(app, keep_alive_seconds=120, receive_seconds=10).config
    config.load()
    made: Any = config.http_protocol_class(  # type: ignore[call-arg]
        config=config, server_state=ServerState(), app_state={}
    )
    return made
