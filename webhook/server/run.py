"""The webhook as a process: put together, served, drained."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    suppress,
)
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from webhook.admission.admit import Answer, Engine, Resolver
from webhook.assembly.certificates import Certificates, make_certificates
from webhook.assembly.engine import make_engine
from webhook.assembly.late_resolver import LateResolver
from webhook.assembly.lookup_options import lookup_options
from webhook.assembly.no_lookups import NoLookups
from webhook.base.environment import environment
from webhook.base.loop_time import LoopTime
from webhook.core.log_events import LogEvent
from webhook.core.observe import Observer
from webhook.server.allocator import give_back_holes
from webhook.server.app import create_app, create_probes
from webhook.server.connections import ConnectionLimits
from webhook.server.health import Health
from webhook.server.listen import Server, server
from webhook.server.log_lines import Log
from webhook.server.logs import Journal, ReviewLog
from webhook.server.metrics import Metrics
from webhook.server.mutate import Limits
from webhook.server.observers import FanOut
from webhook.server.sockets import listen
from webhook.server.tracing import Tracing, tracing
from webhook.server.waiting import SharedWait
from webhook.settings import Settings
from webhook.tls.context import require_clients

if TYPE_CHECKING:
    from webhook.assembly.delivery_choice import DeliveryChoice
    from webhook.kube.client import KubeClient
    from webhook.kube.events import Recorder

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
        traced = await stack.enter_async_context(tracing(settings, version))
        metrics = Metrics(version, exemplar=traced.exemplar if settings.exemplars else None)
        observer = FanOut([metrics, Journal(log), *traced.observers], traced.tracer)
        client = await stack.enter_async_context(_cluster(settings))
        certificates = make_certificates(settings, client=client, observer=observer)
        if settings.client_ca_file:
            require_clients(certificates.tls, settings.client_ca_file)
        health = Health(lambda: "" if certificates.state.ready else certificates.state.reason)
        metrics.watch_certificate(lambda: _expiry(certificates))
        metrics.watch_readiness(lambda: not health.obstacle())
        late = _resolver(settings, client, observer)
        resolver = SharedWait(
            await stack.enter_async_context(late) if late else NoLookups(),
            most=settings.max_connections // 2,
            clock=asyncio.get_running_loop().time,
        )
        choice = _choice(settings, client, observer, metrics)
        engine = make_engine(
            settings,
            version=version,
            resolver=resolver,
            observer=observer,
            as_volume=choice.as_volume if choice else None,
        )
        events = _recorder(client, observer) if client and settings.events else None
        loop = asyncio.get_running_loop()
        # The loop's own clock stands still during a round.
        loop_time = LoopTime(time.monotonic, cpu=time.thread_time, round_=loop.time)
        loop.set_task_factory(loop_time.make_task)  # type: ignore[arg-type]
        app = create_app(
            engine,
            health=health,
            metrics=metrics,
            log=ReviewLog(log),
            limits=Limits(settings.max_body, settings.lookup_seconds, loop_time),
            answered=_answered(traced, events),
        )
        sockets = [
            stack.enter_context(listen(settings.host, settings.port)),
            stack.enter_context(probes or listen(settings.host, settings.http_port)),
        ]
        servers = [
            make_server(traced.app(app), settings, certificates, metrics),
            make_server(create_probes(health, metrics), settings, None, metrics),
        ]
        async with asyncio.TaskGroup() as tasks:
            # First of all: in memory its first step waits for nothing, so that a certificate for
            # development is there before it is announced.
            renewal = tasks.create_task(certificates.run())
            for each, listener in zip(servers, sockets, strict=True):
                tasks.create_task(each.serve([listener]))
            await asyncio.gather(*(each.accepting.wait() for each in servers))
            port, http_port = (listener.getsockname()[1] for listener in sockets)
            log.info(LogEvent.SERVING, version=version, port=port, http_port=http_port)
            announce(Running(port, http_port, certificates))
            recording = tasks.create_task(events.run()) if events else None
            choosing = tasks.create_task(choice.run()) if choice else None
            warming = tasks.create_task(_warm_up(settings, client, engine, late))
            trimming = tasks.create_task(give_back_holes())
            await stop.wait()
            stop.clear()
            warming.cancel()
            if choosing:
                choosing.cancel()
            log.info(LogEvent.DRAINING, seconds=settings.drain_seconds)
            await _drain(servers, health, settings.drain_seconds, stop)
            renewal.cancel()
            trimming.cancel()
            if recording:
                recording.cancel()
    log.info(LogEvent.STOPPED)


# What speaks to the API server is imported where it is spoken to.


def _resolver(
    settings: Settings, client: "KubeClient | None", observer: Observer
) -> LateResolver | None:
    """Give the resolver, None where nobody may be asked. Raises BadSettings.

    What asks registries is imported once all the rest serves.
    """
    if not settings.lookups:
        return None
    options = lookup_options(settings)

    def load() -> Callable[[], AbstractAsyncContextManager[Resolver]]:
        from webhook.assembly.resolver import open_resolver  # noqa: PLC0415

        return lambda: open_resolver(settings, client, observer, options)

    return LateResolver(load)


def _choice(
    settings: Settings, client: "KubeClient | None", observer: Observer, metrics: Metrics
) -> "DeliveryChoice | None":
    """Give what asks the nodes how pods get the reaper, where the settings leave it to them."""
    if client is None or settings.delivery != "auto":
        by_setting = settings.delivery == "imageVolume"
        metrics.watch_delivery(lambda: by_setting, lambda: 0)
        return None
    from webhook.assembly.delivery_choice import DeliveryChoice  # noqa: PLC0415

    choice = DeliveryChoice(client, observer)
    metrics.watch_delivery(lambda: choice.possible, lambda: choice.unable)
    return choice


def _recorder(client: "KubeClient", observer: Observer) -> "Recorder":
    from webhook.server.events import recorder  # noqa: PLC0415

    return recorder(client, observer)


def _answered(traced: Tracing, events: "Recorder | None") -> Callable[[Answer], None]:
    if events is None:
        return traced.answered
    record = events.record
    from webhook.server.events import record_notices  # noqa: PLC0415

    def answered(answer: Answer) -> None:
        traced.answered(answer)
        record_notices(answer, record=record)

    return answered


async def _drain(
    servers: list[Server], health: Health, seconds: float, again: asyncio.Event
) -> None:
    """Say no to probes, go on answering until nobody calls, then close.

    The API server's endpoints follow readiness with a delay; semantics §6 has what it costs to
    close at once.
    """
    health.draining = True
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await again.wait()
    for each in servers:
        each.should_exit = True


async def _warm_up(
    settings: Settings, client: "KubeClient | None", engine: Engine, late: LateResolver | None
) -> None:
    if late:
        try:
            await late.open()  # the first review that needs it had better find it there
        except (OSError, ImportError) as error:  # out of descriptors, say; that review tries again
            engine.observer.note(LogEvent.LOOKUPS_NOT_LOADED, error=str(error))
            return
    if client is not None and settings.warm_up and settings.lookups:
        from webhook.assembly.warm_up import Pace, warm_up  # noqa: PLC0415

        pace = Pace(settings.lookup_seconds)
        await warm_up(client, engine, namespaces=settings.warm_up_namespaces, pace=pace)


@asynccontextmanager
async def _cluster(settings: Settings) -> AsyncIterator["KubeClient | None"]:
    """Give a client of the API server where something needs one."""
    needed = settings.tls == "builtin" or settings.pull_secrets or settings.warm_up
    if not needed and not settings.events and settings.delivery != "auto":
        yield None
        return
    from webhook.kube.client import KubeClient  # noqa: PLC0415
    from webhook.kube.connect import in_cluster  # noqa: PLC0415

    async with KubeClient(in_cluster(environment())) as client:
        yield client


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


def _expiry(certificates: Certificates) -> dict[str, float]:
    state = certificates.state
    ends = {"leaf": state.expires_at, "authority": state.authority_expires_at}
    return {name: when.timestamp() for name, when in ends.items() if when}
