"""An OTLP/HTTP collector: decodes what OpenTelemetry's exporter posts, with OpenTelemetry's own
protocol buffers."""

import asyncio
import threading
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from tests.fakes.http import Answer, Request


@dataclass(frozen=True, slots=True)
class Received:
    """A span as it came over the wire; ids in hexadecimal, "" for none."""

    name: str
    trace: str
    id: str
    parent: str
    kind: int
    failed: bool
    attributes: dict[str, Any]
    events: list[tuple[str, dict[str, Any]]]
    resource: dict[str, Any]


@dataclass
class Collector:
    """What a handler has received, decoded and as bytes."""

    spans: list[Received] = field(default_factory=list)
    content: bytes = b""
    paths: set[str] = field(default_factory=set)
    silent: bool = False
    arrived: threading.Event = field(default_factory=threading.Event)

    async def __call__(self, request: Request) -> Answer:
        self.arrived.set()
        if self.silent:
            await asyncio.Event().wait()
        self.paths.add(request.path)
        self.content += request.body
        message = ExportTraceServiceRequest.FromString(request.body)
        for each in message.resource_spans:
            resource = _attributes(each.resource.attributes)
            for scope in each.scope_spans:
                self.spans += [_received(span, resource) for span in scope.spans]
        return Answer(200, {"Content-Type": "application/x-protobuf"})

    def named(self, name: str) -> list[Received]:
        """Give the spans of a name, in the order in which they ended."""
        return [span for span in self.spans if span.name == name]

    def one(self, name: str) -> Received:
        """Give the only span of a name."""
        (span,) = self.named(name)
        return span


def _received(span: Any, resource: dict[str, Any]) -> Received:
    return Received(
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        kind=span.kind,
        failed=span.status.code == 2,
        attributes=_attributes(span.attributes),
        events=[(event.name, _attributes(event.attributes)) for event in span.events],
        resource=resource,
    )


def _attributes(pairs: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in pairs:
        assert isinstance(pair, KeyValue)
        found[pair.key] = _value(pair.value)
    return found


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind) if kind else None
