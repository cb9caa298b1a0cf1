"""Traces over the wire: a served webhook, a registry, and a collector that decodes OTLP."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.collector import Collector
from tests.fakes.http import Host
from tests.fakes.registry import Registry, basic, config_bytes
from tests.fakes.reviews import SECRET, body, pod
from tests.integration.registry.registries import in_thread
from tests.integration.server.running import Reader, Response, Webhook, request, webhook

PASSWORD = "correct-horse-battery"  # a test's
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SERVER, CLIENT = 2, 3  # SpanKind of opentelemetry.proto.trace.v1


@pytest.fixture
def collector() -> Collector:
    return Collector()


@pytest.fixture
def endpoint(collector: Collector) -> Iterator[str]:
    with in_thread(collector) as host:
        yield host.url


@pytest.fixture
def registry() -> Iterator[Host]:
    """A registry that asks for a password."""
    content = Registry(gate=basic(f"robot:{PASSWORD}"))
    content.push("shop", "1.4", config_bytes(["/shop"]))
    with in_thread(content) as host:
        yield host


@pytest.fixture
def settings(tmp_path: Path, endpoint: str, registry: Host) -> dict[str, Any]:
    entries = {registry.authority: {"plainHTTP": True, "addresses": "127.0.0.0/8"}}
    (tmp_path / "registries.json").write_text(json.dumps(entries))
    auth = base64.b64encode(f"robot:{PASSWORD}".encode()).decode()
    (tmp_path / "config.json").write_text(
        json.dumps({"auths": {registry.authority: {"auth": auth}}})
    )
    return {
        "traces_endpoint": endpoint,
        "registries_file": tmp_path / "registries.json",
        "docker_config": tmp_path,
    }


def shop(registry: Host, tag: str = "1.4") -> dict[str, Any]:
    """A pod whose container tells nothing of what it runs, and has a secret."""
    environment = [{"name": "PASSWORD", "value": SECRET}]
    image = f"{registry.authority}/shop:{tag}"
    return pod(containers=[{"name": "app", "image": image, "env": environment}])


def ask(served: Webhook, what: dict[str, Any], *, sampled: str = "01") -> Response:
    """Send a review as an API server does that traces."""
    headers = (f"traceparent: 00-{TRACE}-{CALLER}-{sampled}",)
    with served.connect() as connection:
        connection.sendall(request(body(what), headers=headers))
        return Reader(connection).response()


def test_a_review_is_a_tree_of_spans_in_the_api_servers_trace(
    collector: Collector, settings: dict[str, Any], registry: Host
) -> None:
    with webhook(**settings) as served:
        assert "patch" in json.loads(ask(served, shop(registry)).body)["response"]
    assert collector.paths == {"/v1/traces"}
    assert {span.trace for span in collector.spans} == {TRACE}
    review, resolve = collector.one("review"), collector.one("resolve")
    lookup, gets = collector.one("registry lookup"), collector.named("GET")
    assert (review.parent, review.kind) == (CALLER, SERVER)
    assert resolve.parent == review.id
    assert lookup.parent == resolve.id
    assert {(get.parent, get.kind) for get in gets} == {(lookup.id, CLIENT)}
    assert not any(span.failed for span in collector.spans)
    assert review.resource["service.name"] == "initshim"
    assert review.resource["service.version"] == "1.0"


def test_spans_say_what_became_of_the_pod_and_its_image(
    collector: Collector, settings: dict[str, Any], registry: Host
) -> None:
    with webhook(**settings) as served:
        ask(served, shop(registry))
    review = collector.one("review").attributes
    assert review["initshim.result"] == "patched"
    assert review["initshim.containers"] == ["app=wrapped"]
    assert review["k8s.namespace.name"] == "shop"
    assert review["http.response.status_code"] == 200
    lookup = collector.one("registry lookup").attributes
    assert lookup["initshim.image"] == f"{registry.authority}/shop:1.4"
    assert lookup["initshim.endpoint"] == registry.authority
    assert [get.attributes["http.response.status_code"] for get in collector.named("GET")] == [
        401,
        200,
        200,
    ]
    root = f"{registry.url}/v2/shop"
    assert collector.named("GET")[0].attributes["url.full"] == f"{root}/manifests/1.4"


def test_an_answer_from_the_cache_needs_no_lookup_and_says_so(
    collector: Collector, settings: dict[str, Any], registry: Host
) -> None:
    with webhook(**settings) as served:
        ask(served, shop(registry))
        ask(served, shop(registry))
    assert len(collector.named("registry lookup")) == 1
    first, second = collector.named("resolve")
    assert first.events == [("cache", {"initshim.cache": "miss"})]
    assert second.events == [("cache", {"initshim.cache": "hit"})]


def test_a_lookup_that_fails_is_marked_with_the_reason(
    collector: Collector, settings: dict[str, Any], registry: Host
) -> None:
    with webhook(**settings) as served:
        ask(served, shop(registry, "none"))
    lookup = collector.one("registry lookup")
    assert lookup.failed
    assert lookup.attributes["error.type"] == "not-found"
    assert not collector.one("review").failed  # the pod was admitted, as it should be


def test_nothing_secret_is_sent_and_the_registry_learns_of_no_trace(
    collector: Collector, settings: dict[str, Any], registry: Host
) -> None:
    with webhook(**settings) as served:
        ask(served, shop(registry))
    auth = base64.b64encode(f"robot:{PASSWORD}".encode())
    for secret in (PASSWORD.encode(), auth, SECRET.encode(), b"uthorization"):
        assert secret not in collector.content
    assert any("authorization" in each.headers for each in registry.requests)
    assert not any("traceparent" in each.headers for each in registry.requests)


def test_the_api_servers_choice_not_to_sample_is_kept(
    collector: Collector, settings: dict[str, Any], registry: Host
) -> None:
    with webhook(**settings) as served:
        ask(served, shop(registry), sampled="00")
    assert collector.spans == []


def test_a_traceparent_that_is_none_begins_a_trace_of_our_own(
    collector: Collector, settings: dict[str, Any]
) -> None:
    with webhook(**settings) as served, served.connect() as connection:
        connection.sendall(request(body(), headers=("traceparent: nonsense",)))
        assert Reader(connection).response().status == 200
    review = collector.one("review")
    assert review.parent == ""
    assert review.trace != TRACE


def test_a_collector_that_does_not_answer_holds_up_neither_a_review_nor_the_end(
    collector: Collector, settings: dict[str, Any], registry: Host
) -> None:
    collector.silent = True
    with webhook(**settings) as served:
        for _ in range(3):
            assert ask(served, shop(registry)).status == 200
    # `webhook` has waited for its end.
    assert collector.arrived.wait(20)


def test_exemplars_lead_from_a_bucket_to_its_trace(
    settings: dict[str, Any], registry: Host
) -> None:
    with webhook(**settings, exemplars=True) as served:
        ask(served, shop(registry))
        text = scrape(served, "application/openmetrics-text; version=1.0.0")
    exemplified = [line for line in text.splitlines() if "trace_id" in line]
    assert len(exemplified) == 1
    assert f'trace_id="{TRACE}"' in exemplified[0]


def test_without_an_endpoint_opentelemetrys_sdk_is_not_even_imported() -> None:
    program = """
import asyncio, sys
from webhook.cli import run_webhook
from webhook.server.tracing import tracing
from webhook.settings import load
async def off():
    async with tracing(load(), "1"):
        print([name for name in sys.modules if name.startswith("opentelemetry.sdk")])
asyncio.run(off())
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_a_provider_of_the_process_gets_nothing_from_fastapi_itself() -> None:
    """Its telemetry is on by default, and tells exceptions with their texts."""
    program = """
import asyncio, httpx
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from webhook.server.app import create_probes
from webhook.server.health import Health
from webhook.server.metrics import Metrics
spans = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(provider)
async def ask():
    app = httpx.ASGITransport(create_probes(Health(), Metrics("1")))
    async with httpx.AsyncClient(transport=app, base_url="http://localhost") as client:
        print((await client.get("/healthz")).status_code, len(spans.get_finished_spans()))
asyncio.run(ask())
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "200 0"


def scrape(served: Webhook, accept: str) -> str:
    connection = HTTPConnection("localhost", served.http_port, timeout=20)
    try:
        connection.request("GET", "/metrics", headers={"Accept": accept})
        return connection.getresponse().read().decode()
    finally:
        connection.close()
