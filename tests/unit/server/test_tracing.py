"""Traces that are asked for and can't be had."""

import sys

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from tests.fakes.reviews import body, pod
from tests.unit.server.application import JSON, Application, get, within
from webhook.assembly.no_lookups import NoLookups
from webhook.core.errors import BadSettings
from webhook.server.tracing import tracing
from webhook.settings import Settings

EXPORTER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"


async def start(settings: Settings) -> None:
    async with tracing(settings, "1"):
        pass


async def test_without_opentelemetry_the_start_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Where an earlier test had traces, the package still has the module as its attribute.
    monkeypatch.delitem(sys.modules, "webhook.server.spans", raising=False)
    monkeypatch.delattr("webhook.server.spans", raising=False)
    monkeypatch.setitem(sys.modules, EXPORTER, None)
    with pytest.raises(BadSettings, match="not installed") as raised:
        await start(Settings(traces_endpoint="http://collector:4318"))
    assert "initshim[webhook,traces]" in raised.value.next_step


def test_a_span_is_a_reviews_and_tells_where_it_failed() -> None:
    from webhook.server.spans import TracedApp, answered

    class Fails:
        async def resolve(self, *_asked: object, **_more: object) -> None:
            raise RuntimeError("a bug")

    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("initshim")
    for resolver in (NoLookups(), Fails()):
        application = Application(resolver=resolver, answered=answered)  # type: ignore[arg-type]
        app = TracedApp(application.app, tracer)
        assert get(app, "/elsewhere").status_code == 404
        content = body(pod(containers=[{"name": "a", "image": "x"}]))
        assert within(app, lambda client, sent=content: client.post(  # type: ignore[misc]
            "/mutate", content=sent, headers=JSON)).status_code == 200  # fmt: skip
    good, failed = kept.get_finished_spans()
    assert (good.status.status_code, failed.status.status_code) == (
        StatusCode.UNSET,
        StatusCode.ERROR,
    )
    assert failed.attributes
    assert failed.attributes["initshim.result"] == "failed"


async def test_without_an_endpoint_nothing_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, EXPORTER, None)
    await start(Settings())
