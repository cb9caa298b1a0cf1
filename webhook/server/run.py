"""The webhook as a process: put together, served, drained."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

from starlette.types import ASGIApp

from webhook.assembly.certificates import Certificates
from webhook.core.log_events import LogEvent
from webhook.server.allocator import give_back_holes
from webhook.server.connections import ConnectionLimits
from webhook.server.health import Health
from webhook.server.listen import Server, server
from webhook.server.log_lines import Log
from webhook.server.metrics import Metrics
from webhook.server.parts import Parts, put_together
from webhook.server.sockets import listen
from webhook.settings import Settings

_PROBES = 64  # connections to the plain port: kubelet and Prometheus need two or three
_CLOSE_SECONDS = 2.0  # beyond what a review may take


@dataclass(frozen=True, slots=True)
class Running:
    """A webhook that serves: its ports, and the CAs that its certificate is verified by."""

    port: int
    http_port: int
    certificates: Certificates


async def serve(
    settings: Settings,
    *,
    version: str,
    log: Log,
    stop: asyncio.Event,
    announce: Callable[[Running], None] = lambda _: None,
    probes: socket.socket | None = None,
) -> None:
    """Serve until `stop` is set, then drain and close; `stop` set again ends the drain.

    `probes` is the plain port's socket where somebody has opened it; it is closed in the end.

    Raises BadSettings or another InitshimError for what makes a start impossible.
    """
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(put_together(settings, version=version, log=log))
        sockets = [
            stack.enter_context(listen(settings.host, settings.port)),
            stack.enter_context(probes or listen(settings.host, settings.http_port)),
        ]
        servers = [
            make_server(parts.reviews, settings, parts.certificates, parts.metrics),
            make_server(parts.probes, settings, None, parts.metrics),
        ]
        async with asyncio.TaskGroup() as tasks:
            # First of all: in memory its first step waits for nothing, so that a certificate for
            # development is there before it is announced.
            beside = [tasks.create_task(parts.certificates.run())]
            for each, listener in zip(servers, sockets, strict=True):
                tasks.create_task(each.serve([listener]))
            await asyncio.gather(*(each.accepting.wait() for each in servers))
            port, http_port = (listener.getsockname()[1] for listener in sockets)
            log.info(LogEvent.SERVING, version=version, port=port, http_port=http_port)
            announce(Running(port, http_port, parts.certificates))
            until_drained = [give_back_holes(), *([parts.events.run()] if parts.events else [])]
            beside += map(tasks.create_task, until_drained)
            ahead = list(map(tasks.create_task, _until_stopped(parts, settings)))
            await stop.wait()
            stop.clear()
            _cancel(ahead)
            log.info(LogEvent.DRAINING, seconds=settings.drain_seconds)
            await _drain(servers, parts.health, settings.drain_seconds, stop)
            _cancel(beside)
    log.info(LogEvent.STOPPED)


def _until_stopped(parts: Parts, settings: Settings) -> list[Coroutine[object, object, None]]:
    """Give what works ahead of reviews: nobody needs it once the webhook drains."""
    choosing = [parts.choice.run()] if parts.choice else []
    return [*choosing, _warm_up(parts, settings)]


def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()


async def _drain(
    servers: list[Server], health: Health, seconds: float, again: asyncio.Event
) -> None:
    """Go on answering until nobody calls, then close.

    The API server's endpoints follow readiness with a delay; semantics §6 has what it costs to
    close at once.
    """
    health.draining = True
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await again.wait()
    for each in servers:
        each.should_exit = True


async def _warm_up(parts: Parts, settings: Settings) -> None:
    if parts.late:
        try:
            await parts.late.open()  # else the first review that needs it waits
        except (OSError, ImportError) as error:  # out of descriptors, say; that review tries again
            parts.engine.observer.note(LogEvent.LOOKUPS_NOT_LOADED, error=str(error))
            return
    if parts.client is not None and settings.warm_up and settings.lookups:
        from webhook.assembly.warm_up import Pace, warm_up  # noqa: PLC0415

        pace = Pace(settings.lookup_seconds)
        await warm_up(parts.client, parts.engine, namespaces=settings.warm_up_namespaces, pace=pace)


def make_server(
    app: ASGIApp, settings: Settings, certificates: Certificates | None, metrics: Metrics
) -> Server:
    """Make a server of ours: for reviews with `certificates`, else for probes and metrics."""

    def dropped(reason: str) -> None:
        metrics.dropped(reason)
        if certificates and reason == "distrusted":
            certificates.doubt()

    return server(
        app,
        keep_alive_seconds=settings.keep_alive_seconds,
        receive_seconds=settings.receive_seconds,
        tls=certificates.tls if certificates else None,
        close_seconds=settings.lookup_seconds + _CLOSE_SECONDS,
        limits=ConnectionLimits(
            settings.max_connections if certificates else min(_PROBES, settings.max_connections),
            settings.receive_seconds,
            dropped,
        ),
    )
