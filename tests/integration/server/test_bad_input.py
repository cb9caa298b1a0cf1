"""Mutated reviews against the whole application: 3,000 here, 100,000 in `make fuzz`.

What must hold of each: 200, 400 or 413 and nothing else; a 200 is an AdmissionReview with the uid
that came, that allows, whose patch applies; no failure of our own but too deep a nesting.
"""

import asyncio
import gc
import json
import random
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.fakes.reviews import patched, pod, read, review
from tests.integration.server.mutations import PODS, bodies, damaged
from tests.unit.server.application import Application
from webhook.core.argv import ImageConfig
from webhook.core.pod import Pod
from webhook.core.policy import NeedsImage, Plan, settle

KNOWN = ImageConfig(("/entry", "$x"), ("serve",))
CALM = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


class Knows:
    """A resolver that knows every image."""

    async def resolve(self, plan: Plan, pod: Pod, namespace: str, *, deadline: float) -> Plan:  # noqa: ARG002
        decisions = tuple(
            settle(each, KNOWN) if isinstance(each, NeedsImage) else each for each in plan.decisions
        )
        return replace(plan, decisions=decisions)


class Target:
    """The application, called as uvicorn calls it."""

    def __init__(self) -> None:
        self.application = Application(resolver=Knows(), level="warning")
        self._runner = asyncio.Runner()

    def post(self, body: bytes) -> tuple[int, bytes]:
        """Send one body."""
        return self._runner.run(self._post(body))

    async def _post(self, body: bytes) -> tuple[int, bytes]:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "path": "/mutate",
            "raw_path": b"/mutate",
            "query_string": b"timeout=10s",
            "headers": headers,
        }
        await self.application.app(scope, receive, send)
        return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])

    def forget(self) -> list[dict[str, Any]]:
        """Give the log, and empty it."""
        lines = self.application.lines
        self.application.written.seek(0)
        self.application.written.truncate()
        return lines

    def close(self) -> None:
        """Close the loop."""
        self._runner.close()


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    made = Target()
    yield made
    made.close()


def check(target: Target, body: bytes) -> str:
    """Hold an answer against the laws; give its kind."""
    status, answer = target.post(body)
    bugs = [line["exception"] for line in target.forget() if "exception" in line]
    assert all("RecursionError" in bug.splitlines()[-1] for bug in bugs), bugs
    if status != 200:
        assert status == (413 if len(body) > 4 << 20 else 400)
        assert answer.endswith(b"\n")
        assert len(answer) < 500
        assert b"Traceback" not in answer
        return "refused"
    request = json.loads(body.decode(errors="replace"))["request"]  # as Go reads it
    response = read(answer, request["uid"])
    assert response["allowed"] is True
    if "patch" not in response:
        return "left alone"
    assert not bugs
    assert patched(request["object"], response) != request["object"]
    return "patched"


def fuzz(target: Target, examples: int) -> None:
    """Check that many bodies; a good part of them must have got through to the engine."""
    kinds: Counter[str] = Counter()

    @settings(max_examples=examples, deadline=None, suppress_health_check=CALM, database=None)
    @given(bodies)
    def run(body: bytes) -> None:
        kinds[check(target, body)] += 1

    run()
    assert all(kinds[kind] > examples / 50 for kind in ("refused", "left alone", "patched")), kinds


@pytest.mark.parametrize("shard", range(4))
def test_3000_mutated_reviews_are_answered_as_semantics_5_says(target: Target, shard: int) -> None:  # noqa: ARG001
    fuzz(target, 750)


@pytest.mark.long
@pytest.mark.parametrize("shard", range(10))
def test_100000_mutated_reviews_are_answered_as_semantics_5_says(
    target: Target,
    shard: int,  # noqa: ARG001
) -> None:
    fuzz(target, 10_000)


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None, suppress_health_check=CALM)
def test_bytes_that_never_were_a_review_are_refused(target: Target, body: bytes) -> None:
    assert target.post(body)[0] == 400


DEEP = 100_000


@pytest.mark.parametrize(
    "body",
    [
        b"[" * DEEP,
        b"[" * DEEP + b"]" * DEEP,
        b'{"a":' * DEEP,
        b'{"a":' * DEEP + b"1" + b"}" * DEEP,
        json.dumps(review()).encode().replace(b'"shop"', b"[" * DEEP + b"]" * DEEP, 1),
        json.dumps(review()).encode().replace(b'"shop"', b'"\xff"', 1),
        json.dumps(review()).encode().replace(b'"shop"', b'"\\ud800"', 1),
        json.dumps(review()).encode("utf-16"),
        b"\xef\xbb\xbf" + json.dumps(review()).encode(),
    ],
    ids=[
        *("lists", "closed lists", "objects", "closed objects", "deep field"),
        *("no UTF-8", "half a pair", "UTF-16", "byte order mark"),
    ],
)
def test_json_that_is_none_or_too_deep_is_refused_with_400(target: Target, body: bytes) -> None:
    status, answer = target.post(body)
    assert status == 400
    assert b"the body is no " in answer


@pytest.mark.parametrize("number", [b"1" * DEEP, b"1e999"], ids=["number", "infinity"])
def test_a_number_where_a_name_belongs_lets_the_pod_pass(target: Target, number: bytes) -> None:
    """It is JSON, however large; what is wrong with the review the API server would not send."""
    body = json.dumps(review()).encode().replace(b'"shop"', number, 1)
    status, answer = target.post(body)
    assert status == 200
    response = json.loads(answer)["response"]
    assert response["allowed"] is True
    assert "patch" not in response


@pytest.mark.parametrize("number", ["1e300", "123456789012345678901234567890", "-0.0", "0.1"])
def test_numbers_of_any_size_stay_as_they_were(target: Target, number: str) -> None:
    body = json.dumps(review(pod(x=["NUMBER"]))).replace('"NUMBER"', number).encode()
    status, answer = target.post(body)
    before = json.loads(body)["request"]["object"]
    assert status == 200
    assert patched(before, read(answer))["spec"]["x"] == before["spec"]["x"]


def test_of_a_key_that_comes_twice_the_last_one_counts(target: Target) -> None:
    """As in Go: what the API server stores is what was looked at."""
    body = json.dumps(review(uid="second")).replace('"uid": "second"', '"uid":"1","uid":"second"')
    status, answer = target.post(body.encode())
    assert status == 200
    assert read(answer)["uid"] == "second"


def test_memory_does_not_grow_from_round_to_round(target: Target) -> None:
    """The same 60 bodies, bad and good, over and over: what is kept of one would show."""
    dice = random.Random(0)
    reviews = [json.dumps(review(dice.choice(PODS))).encode() for _ in range(60)]
    sent = [
        damaged(body, dice.randrange(len(body)), "double", b"") if number % 2 else body
        for number, body in enumerate(reviews)
    ]
    rounds = 3

    def kept() -> int:
        for body in sent:
            target.post(body)
        target.forget()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    kept()  # caches fill
    tracemalloc.start()
    try:
        kept()
        start = kept()
        for _ in range(rounds):
            end = kept()
    finally:
        tracemalloc.stop()
    assert (end - start) / (rounds * len(sent)) < 100, "bytes kept of each review"
