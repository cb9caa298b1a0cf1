"""Reviews in this process: the webhook's own protocol and application, without sockets and TLS."""

import asyncio
import io
import json
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from itertools import repeat
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp
from uvicorn.server import ServerState

from tests.benchmarks.reviews import sample
from tests.benchmarks.surroundings import registries, registry
from webhook.assembly.engine import make_engine
from webhook.assembly.late_resolver import LateResolver
from webhook.assembly.resolver import open_resolver
from webhook.base.loop_time import LoopTime
from webhook.cli.run_webhook import spare_collector
from webhook.server.app import create_app
from webhook.server.health import Health
from webhook.server.listen import server
from webhook.server.log_lines import Log
from webhook.server.logs import Journal, ReviewLog
from webhook.server.metrics import Metrics
from webhook.server.mutate import Limits
from webhook.server.observers import FanOut
from webhook.server.waiting import SharedWait
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
    async with AsyncExitStack() as stack:
        authority = stack.enter_context(registry())
        app = floor() if floor else await stack.enter_async_context(_webhook(authority))
        each = sample(*shape_and_kind, authority)
        request = HEAD.format(size=len(each.body)).encode() + each.body
        protocol, pipe = _protocol(app), Pipe()
        protocol.connection_made(pipe)
        for _ in range(warm_up):
            await _answer(protocol, pipe, request)
        assert floor or (b'"patch"' in pipe.written) is bool(each.wrapped)
        spare_collector()
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


@asynccontextmanager
async def _webhook(authority: str) -> AsyncIterator[ASGIApp]:
    """Put the webhook together as `serve` does, with images that it remembers once it was asked."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        json.dump(registries(authority), file)
        file.flush()
        settings = Settings(
            tls="dev", registries_file=Path(file.name), cache_tag_seconds=86_400, lookup_seconds=60
        )
        loop = asyncio.get_running_loop()
        metrics = Metrics("1.0")
        log = Log("info", "json", Nowhere())
        observer = FanOut([metrics, Journal(log)])
        # Under valgrind a step takes fifty times as long: whoever asks here would be in debt.
        loop_time = LoopTime(repeat(0.0).__next__, round_=loop.time)
        loop.set_task_factory(loop_time.make_task)  # type: ignore[arg-type]
        async with open_resolver(settings, None, observer) as images:
            late = LateResolver(lambda: lambda: nullcontext(images))
            waiting = SharedWait(late, most=settings.max_connections // 2, clock=loop.time)
            yield create_app(
                make_engine(settings, version="1.0", resolver=waiting, observer=observer),
                health=Health(),
                metrics=metrics,
                log=ReviewLog(log),
                limits=Limits(settings.max_body, settings.lookup_seconds, loop_time),
            )


def _protocol(app: ASGIApp) -> Any:
    config = server(app, keep_alive_seconds=120, receive_seconds=10).config
    config.load()
    made: Any = config.http_protocol_class(  # type: ignore[call-arg]
        config=config, server_state=ServerState(), app_state={}
    )
    return made
