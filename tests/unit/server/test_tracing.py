"""Traces that are asked for and can't be had."""

import sys

import pytest

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


async def test_without_an_endpoint_nothing_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, EXPORTER, None)
    await start(Settings())
