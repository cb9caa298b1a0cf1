"""What a trace says of a request to a registry: where it went and what came back, no secret."""

import httpx
import pytest

from tests.fakes.http import serve
from tests.fakes.lookups import RecordedSpan, RecordingObserver, asking, plain
from tests.fakes.registry import Registry, config_bytes
from webhook.core.errors import NotFound
from webhook.oci.traced import TracedTransport


async def traced(url: str, status: int = 200) -> RecordedSpan:
    told = RecordingObserver()
    answering = httpx.MockTransport(lambda _: httpx.Response(status))
    async with httpx.AsyncClient(transport=TracedTransport(answering, told)) as client:
        await client.get(url)
    (span,) = told.spans
    assert span.outside
    return span


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://r.example.com/v2/", "r.example.com", 443),
        ("http://r.example.com/v2/", "r.example.com", 80),
        ("https://r.example.com:5000/v2/", "r.example.com", 5000),
    ],
)
async def test_a_span_says_where_a_request_went(url: str, host: str, port: int) -> None:
    span = await traced(f"{url}?X-Amz-Signature=c4n4ry")
    assert span.name == "GET"
    assert span.facts == {
        "http.request.method": "GET",
        "server.address": host,
        "server.port": port,
        "url.full": url,
        "http.response.status_code": 200,
    }


@pytest.mark.parametrize(
    ("status", "failure"),
    [(200, ""), (307, ""), (399, ""), (400, "400"), (401, ""), (404, "404"), (503, "503")],
)
async def test_a_failure_is_one_but_for_the_question_for_a_token(status: int, failure: str) -> None:
    span = await traced("https://r.example.com/v2/", status)
    assert span.facts["http.response.status_code"] == status
    assert span.failure == failure


async def test_a_lookup_is_a_span_with_the_image_and_what_came_of_it() -> None:
    registry = Registry()
    digest = registry.push("app", "v1", config_bytes(["/app"]))
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        await asker.config(f"{host.authority}/app:v1")
        with pytest.raises(NotFound):
            await asker.config(f"{host.authority}/gone:v1")
        looked_up = [each for each in asker.observer.spans if not each.outside]
        requests = [each for each in asker.observer.spans if each.outside]
    assert looked_up == [
        RecordedSpan(
            "registry lookup",
            {
                "initshim.image": f"{host.authority}/app:v1",
                "initshim.endpoint": host.authority,
                "initshim.digest": digest,
            },
        ),
        RecordedSpan(
            "registry lookup",
            {"initshim.image": f"{host.authority}/gone:v1"},
            failure="not-found",
        ),
    ]
    assert [each.facts["url.full"] for each in requests] == [
        f"{host.url}{each.target}" for each in host.requests
    ]
