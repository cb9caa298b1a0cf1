"""OpenTelemetry's spans: review → resolve → registry lookup → HTTP requests, sent as OTLP/HTTP.

A span holds names, reasons, hosts and paths: nothing of a pod but what its log lines say, and of
no exception the text. Nothing global is set. The SDK reads the variables that every program with
OpenTelemetry reads, for headers, sampling and resource attributes:
https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webhook.admission.admit import Answer
from webhook.core.observe import Attributes, CacheEvent, Silent

_EXPORT_SECONDS = 5.0
_SHUTDOWN_SECONDS = 2.0  # what a collector that is down may cost a pod that stops
_CONTEXT = TraceContextTextMapPropagator()


@asynccontextmanager
async def exported(endpoint: str, version: str) -> AsyncIterator[trace.Tracer]:
    """Give a tracer whose spans a thread of its own sends, in batches; send the rest at the end."""
    own = {
        "service.name": "initshim",
        "service.version": version,
        "service.instance.id": socket.gethostname()[:128],
    }
    resource = Resource(own).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    url = f"{endpoint.rstrip('/')}/v1/traces"
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(endpoint=url, timeout=_EXPORT_SECONDS))
    )
    try:
        yield provider.get_tracer("initshim", version)
    finally:
        # A daemon, so that the process can end while the SDK still waits for a dead collector.
        ending = threading.Thread(target=provider.shutdown, daemon=True)
        ending.start()
        await asyncio.to_thread(ending.join, _SHUTDOWN_SECONDS)


class Spans:
    """A Tracer that makes OpenTelemetry's spans."""

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    @contextmanager
    def span(
        self, name: str, attributes: Attributes, *, outside: bool = False
    ) -> Iterator["OpenTelemetrySpan"]:
        """See Tracer. Of an exception only the type is kept: its text may hold anything."""
        with self._tracer.start_as_current_span(
            name,
            kind=SpanKind.CLIENT if outside else SpanKind.INTERNAL,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            begun = OpenTelemetrySpan(span)
            try:
                yield begun
            except BaseException as error:
                begun.record({}, failure=type(error).__name__)
                raise


class OpenTelemetrySpan:
    """A Span that is OpenTelemetry's."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def record(self, attributes: Attributes, *, failure: str = "") -> None:
        """See Span."""
        self._span.set_attributes(attributes)
        if failure:
            self._span.set_attribute("error.type", failure)
            self._span.set_status(Status(StatusCode.ERROR))


class CacheEvents(Silent):
    """An Observer that notes in the span under way what the cache did."""

    def cache(self, event: CacheEvent) -> None:
        """See Observer."""
        trace.get_current_span().add_event("cache", {"initshim.cache": event})


class TracedApp:
    """ASGI middleware: a span for each review, in the API server's trace where it sends one.

    The API server does so when its own tracing is on (`--tracing-config-file`).
    """

    def __init__(self, app: ASGIApp, tracer: trace.Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on inside of a span."""
        if scope["type"] != "http" or scope["path"] != "/mutate":
            await self._app(scope, receive, send)
            return
        sent = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        with self._tracer.start_as_current_span(
            "review",
            context=_CONTEXT.extract(sent),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": scope["method"], "http.route": "/mutate"},
            record_exception=False,
        ) as span:

            async def noting(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                await send(message)

            await self._app(scope, receive, noting)


def answered(answer: Answer) -> None:
    """Say on the review's span what came of it."""
    span = trace.get_current_span()
    review = answer.review
    span.set_attributes(
        {
            "initshim.result": answer.result,
            "initshim.review.uid": review.uid,
            "initshim.dry_run": review.dry_run,
            "initshim.containers": [f"{k}={v}" for k, v in (answer.containers or {}).items()],
            "k8s.namespace.name": review.namespace,
            "k8s.pod.name": review.name,
        }
    )
    if answer.result == "failed":
        span.set_status(Status(StatusCode.ERROR))


def exemplar() -> dict[str, str] | None:
    """Name the trace that is under way, if it is one that is sent."""
    context = trace.get_current_span().get_span_context()
    sampled = context.is_valid and context.trace_flags.sampled
    return {"trace_id": trace.format_trace_id(context.trace_id)} if sampled else None
