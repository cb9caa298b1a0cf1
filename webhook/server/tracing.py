"""Traces, on or off: what the server needs for either.

OpenTelemetry is imported only where they are on: off, they cost neither memory nor time.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.types import ASGIApp

from webhook.admission.admit import Answer
from webhook.core.errors import BadSettings
from webhook.core.observe import Observer, Tracer
from webhook.settings import Settings


@dataclass(frozen=True, slots=True)
class Tracing:
    """Where traces enter the server; by default none do.

    `app` wraps the application, `answered` hears of each review inside of it, `exemplar` names
    the trace that is under way: `{"trace_id": …}`.
    """

    tracer: Tracer | None = None
    observers: tuple[Observer, ...] = ()
    app: Callable[[ASGIApp], ASGIApp] = lambda app: app
    answered: Callable[[Answer], None] = lambda _: None
    exemplar: Callable[[], Mapping[str, str] | None] = lambda: None


@asynccontextmanager
async def tracing(settings: Settings, version: str) -> AsyncIterator[Tracing]:
    """Give traces as the settings ask for them, and send what is left of them at the end.

    Raises BadSettings where OpenTelemetry is not installed.
    """
    if not settings.traces_endpoint:
        yield Tracing()
        return
    try:
        from webhook.server import spans  # noqa: PLC0415  # see above
    except ModuleNotFoundError as missing:
        raise BadSettings(
            f"INITSHIM_TRACES_ENDPOINT is set, and {missing.name} is not installed",
            next_step="pip install 'initshim[webhook,traces]', or leave it empty.",
        ) from missing
    async with spans.exported(settings.traces_endpoint, version) as tracer:
        yield Tracing(
            tracer=spans.Spans(tracer),
            observers=(spans.CacheEvents(),),
            app=lambda app: spans.TracedApp(app, tracer),
            answered=spans.answered,
            exemplar=spans.exemplar,
        )
