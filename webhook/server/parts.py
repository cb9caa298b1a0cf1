"""What the webhook is put together of, before any of it listens.

What speaks to the API server or to registries is imported where it is spoken to.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
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
from webhook.core.observe import Observer
from webhook.server.app import create_app, create_probes
from webhook.server.health import Health
from webhook.server.log_lines import Log
from webhook.server.logs import Journal, ReviewLog
from webhook.server.metrics import Metrics
from webhook.server.mutate import Limits
from webhook.server.observers import FanOut
from webhook.server.tracing import Tracing, tracing
from webhook.server.waiting import SharedWait
from webhook.settings import Settings
from webhook.tls.context import require_clients

if TYPE_CHECKING:
    from webhook.assembly.delivery_choice import DeliveryChoice
    from webhook.kube.client import KubeClient
    from webhook.kube.events import Recorder


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The applications of both ports, and what works beside them; None where settings say no."""

    reviews: ASGIApp
    probes: ASGIApp
    engine: Engine
    certificates: Certificates
    health: Health
    metrics: Metrics
    client: "KubeClient | None"
    late: LateResolver | None
    choice: "DeliveryChoice | None"
    events: "Recorder | None"


@asynccontextmanager
async def put_together(settings: Settings, *, version: str, log: Log) -> AsyncIterator[Parts]:
    """Give the parts, and close them afterwards.

    Raises BadSettings or another InitshimError for what makes a start impossible.
    """
    async with tracing(settings, version) as traced, _cluster(settings) as client:
        metrics = Metrics(version, exemplar=traced.exemplar if settings.exemplars else None)
        observer = FanOut([metrics, Journal(log), *traced.observers], traced.tracer)
        certificates = make_certificates(settings, client=client, observer=observer)
        if settings.client_ca_file:
            require_clients(certificates.tls, settings.client_ca_file)
        health = Health(lambda: "" if certificates.state.ready else certificates.state.reason)
        metrics.watch_certificate(lambda: _expiry(certificates))
        metrics.watch_readiness(lambda: not health.obstacle())
        choice = _choice(settings, client, observer, metrics)
        late = _resolver(settings, client, observer)
        async with late or nullcontext(NoLookups()) as resolver:
            engine = make_engine(
                settings,
                version=version,
                resolver=_shared(resolver, settings),
                observer=observer,
                as_volume=choice.as_volume if choice else None,
            )
            events = _recorder(client, observer) if client and settings.events else None
            app = create_app(
                engine,
                health=health,
                metrics=metrics,
                log=ReviewLog(log),
                limits=Limits(settings.max_body, settings.lookup_seconds, _loop_time()),
                answered=_answered(traced, events),
            )
            yield Parts(
                reviews=traced.app(app),
                probes=create_probes(health, metrics),
                engine=engine,
                certificates=certificates,
                health=health,
                metrics=metrics,
                client=client,
                late=late,
                choice=choice,
                events=events,
            )


def _shared(resolver: Resolver, settings: Settings) -> SharedWait:
    clock = asyncio.get_running_loop().time
    return SharedWait(resolver, most=settings.max_connections // 2, clock=clock)


def _loop_time() -> LoopTime:
    """Give what shares the running loop's time among tenants."""
    loop = asyncio.get_running_loop()
    # The loop's own clock stands still during a round.
    loop_time = LoopTime(time.monotonic, cpu=time.thread_time, round_=loop.time)
    loop.set_task_factory(loop_time.make_task)  # type: ignore[arg-type]
    return loop_time


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


def _expiry(certificates: Certificates) -> dict[str, float]:
    state = certificates.state
    ends = {"leaf": state.expires_at, "authority": state.authority_expires_at}
    return {name: when.timestamp() for name, when in ends.items() if when}
