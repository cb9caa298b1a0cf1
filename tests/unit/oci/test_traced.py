"""What a trace says of a request to a registry: where it went and what came back, no secret."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from webhook.core.observe import Attributes
from webhook.oci.traced import TracedTransport


@dataclass(slots=True)
class Span:
    """A tracer with one span."""

    name: str = ""
    said: Attributes = field(default_factory=dict)
    failure: str = ""

    @contextmanager
    def span(
        self, name: str, attributes: Attributes | None = None, *, outside: bool = False
    ) -> Iterator["Span"]:
        assert outside
        self.name, self.said = name, dict(attributes or {})
        yield self

    def record(self, attributes: Attributes, *, failure: str = "") -> None:
        self.said = {**self.said, **attributes}
        self.failure = failure


async def traced(url: str, status: int = 200) -> Span:
    span = Span()
    answering = httpx.MockTransport(lambda _: httpx.Response(status))
    async with httpx.AsyncClient(transport=TracedTransport(answering, span)) as client:
        await client.get(url)
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
    assert span.said == {
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
    assert span.said["http.response.status_code"] == status
    assert span.failure == failure
