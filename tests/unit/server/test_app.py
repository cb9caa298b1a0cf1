"""The routes: which request gets which status, and what is recorded of it."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.reviews import SECRET, body, patched, pod, read, unresolved
from tests.unit.server.application import JSON, Application, get, post, within
from webhook.core.errors import Overdue
from webhook.core.pod import Pod
from webhook.core.policy import Plan
from webhook.server.app import create_probes
from webhook.server.health import Health
from webhook.server.metrics import Metrics
from webhook.server.mutate import usable_seconds


class Fails:
    """A resolver with a bug, in whose frame a secret lies about."""

    async def resolve(self, plan: Plan, pod: Pod, namespace: str, *, deadline: float) -> Plan:  # noqa: ARG002
        raise RuntimeError("a bug")


class Late:
    """A resolver at whose end no turn came in time."""

    async def resolve(self, plan: Plan, pod: Pod, namespace: str, *, deadline: float) -> Plan:  # noqa: ARG002
        raise Overdue("its namespace asks for more than its part")


class Remembers:
    """A resolver that notes how much time it is given."""

    def __init__(self) -> None:
        self.given = 0.0

    async def resolve(self, plan: Plan, pod: Pod, namespace: str, *, deadline: float) -> Plan:  # noqa: ARG002
        self.given = deadline - asyncio.get_running_loop().time()
        return Plan()


def test_a_review_is_answered_with_a_patch() -> None:
    answer = post(Application(), body())
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert patched(pod(), read(answer.content))["spec"]["initContainers"]


def test_a_namespace_that_asks_for_more_than_its_part_is_told_so() -> None:
    application = Application(resolver=Late())
    response = read(post(application, body(pod(containers=[unresolved()]))).content)
    said = "its namespace asks for more than its part"
    assert response["warnings"] == [f"initshim left the pod alone: {said}"]
    (failed,) = [line for line in application.lines if line["event"] == "review-failed"]
    assert failed["error"] == f"Overdue: {said}"
    assert "exception" not in failed


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({}, "content type"),
        ({"content-type": "text/plain"}, "content type"),
        ({"content-type": "application/yaml"}, "content type"),
        ({"content-type": "application/json, text/plain"}, "content type"),
        ({**JSON, "content-encoding": "gzip"}, "compressed"),
        ({**JSON, "content-encoding": "identity, br"}, "compressed"),
    ],
)
def test_another_content_is_refused_with_400_and_a_sentence_semantics_5(
    headers: dict[str, str], said: str
) -> None:
    answer = post(Application(), body(), headers=headers)
    assert answer.status_code == 400
    assert said in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/json; charset=utf-8"},
        {"content-type": "Application/JSON"},
        {**JSON, "content-encoding": "Identity"},
    ],
)
def test_the_same_content_said_otherwise_is_accepted(headers: dict[str, str]) -> None:
    assert post(Application(), body(), headers=headers).status_code == 200


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"not json", body()[:-5], b'{"kind":"AdmissionReview"}', b"\xff\xfe"]
)
def test_a_body_that_is_no_review_is_refused_with_400_and_a_sentence_semantics_5(
    content: bytes,
) -> None:
    answer = post(Application(), content)
    assert answer.status_code == 400
    assert answer.text.strip()
    assert len(answer.text) < 200
    assert "Traceback" not in answer.text


def test_a_body_over_the_limit_is_refused_with_413_semantics_5() -> None:
    application = Application(largest=4096)
    assert post(application, b" " * 4097).status_code == 413
    assert post(application, b" " * 4096).status_code == 400  # read, and no review


def test_a_body_without_a_length_is_cut_off_at_the_limit() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1024
            yield b" " * 1024

    async def use(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post("/mutate", content=endless(), headers=JSON)

    assert within(Application(largest=4096).app, use).status_code == 413
    assert sent <= 4096 + 2 * 1024


LARGEST = 256 << 10


async def crowded(held: list[tuple[str, int]], then: list[tuple[str, bytes]]) -> list[int]:
    """Hold bodies of these sizes open, from these addresses; give the statuses of those after."""
    app = Application(largest=LARGEST).app
    go = asyncio.Event()

    async def slow(size: int, waits: asyncio.Event) -> AsyncIterator[bytes]:
        yield b" " * size
        waits.set()
        await go.wait()

    async def send(address: str, content: AsyncIterator[bytes] | bytes) -> int:
        transport = httpx.ASGITransport(app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="https://webhook") as client:
            return (await client.post("/mutate", content=content, headers=JSON)).status_code

    async def hold(address: str, size: int) -> asyncio.Task[int]:
        """Begin to send; give the request once it is held, or answered since there is no room."""
        waits = asyncio.Event()
        task = asyncio.create_task(send(address, slow(size, waits)))
        held = asyncio.create_task(waits.wait())
        await asyncio.wait([task, held], return_when=asyncio.FIRST_COMPLETED)
        held.cancel()
        return task

    tasks = [await hold(*each) for each in held]
    statuses = [await send(*each) for each in then]
    go.set()
    await asyncio.gather(*tasks)
    assert await send("192.0.2.99", large()) == 200  # all of it was given back
    return statuses


def large() -> bytes:
    padded = pod()
    padded["metadata"]["annotations"] = {"x": "y" * 100_000}
    return body(padded)


async def test_large_bodies_that_are_held_leave_room_for_others_and_for_small_ones() -> None:
    taken = [("192.0.2.1", LARGEST - 1)] * 8
    same, other = ("192.0.2.1", b" " * (LARGEST - 1)), ("192.0.2.1", large())
    answers = [same, other, ("192.0.2.2", large()), ("192.0.2.1", body())]
    assert await crowded(taken, answers) == [503, 200, 200, 200]


async def test_one_machine_of_ipv6_has_one_share() -> None:
    taken = [(f"2001:db8::{n:x}", LARGEST - 1) for n in range(1, 9)]
    answers = [("2001:db8::99", b" " * (LARGEST - 1)), ("2001:db8:1::1", large())]
    assert await crowded(taken, answers) == [503, 200]


async def test_small_bodies_have_a_limit_together_too_and_leave_room_for_others() -> None:
    taken = [("192.0.2.1", 60 << 10)] * 240
    answers = [("192.0.2.1", b" " * (60 << 10)), ("192.0.2.2", body()), ("192.0.2.2", large())]
    assert await crowded(taken, answers) == [503, 200, 200]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/mutate", 405),
        ("PUT", "/mutate", 405),
        ("POST", "/", 404),
        ("POST", "/mutate/", 404),  # and no redirect, which nobody would follow
        ("GET", "/metrics", 404),  # on the plain port only
        ("GET", "/docs", 404),
        ("GET", "/openapi.json", 404),
    ],
)
def test_other_methods_and_paths(method: str, path: str, status: int) -> None:
    answer = within(Application().app, lambda client: client.request(method, path))
    assert answer.status_code == status


async def test_what_is_no_http_request_gets_no_answer() -> None:
    sent: list[object] = []

    async def send(message: object) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, object]:
        return {"type": "websocket.connect"}

    await Application().app({"type": "websocket", "path": "/mutate"}, receive, send)
    assert sent == []


def test_a_failure_of_our_own_is_admitted_with_a_warning_and_no_trace_semantics_5() -> None:
    application = Application(resolver=Fails())
    answer = post(application, body(pod(containers=[unresolved()])))
    response = read(answer.content)
    assert answer.status_code == 200
    assert response["allowed"] is True
    assert response["warnings"]
    assert b"Traceback" not in answer.content
    assert b"a bug" not in answer.content
    (failed,) = [line for line in application.lines if line["event"] == "review-failed"]
    assert "RuntimeError: a bug" in failed["exception"]


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [
        ("10s", 10),
        ("1m30s", 90),
        ("1.5s", 1.5),
        ("500ms", 0.5),
        ("1h", 3600),
        ("2h45m0.5s", 9900.5),
        (".5s", 0.5),
        ("3.s", 3),
        ("1500us", 0.0015),
        ("1500µs", 0.0015),
        ("1500\u03bcs", 0.0015),
        ("1ns", 1e-9),
    ],
)
def test_a_go_duration_is_understood_semantics_2(timeout: str, seconds: float) -> None:
    """https://pkg.go.dev/time#ParseDuration"""
    usable = usable_seconds(timeout, 1e9)
    assert 0.5 * seconds <= usable <= 0.8 * seconds  # well inside it


@pytest.mark.parametrize(
    "timeout",
    [
        *("", "10", "s", "ten", "10 s", "-10s", "+-1s", "10s ", "1e3s", "0", "0s", "0h0m0s", "."),
        *(".s", "1d", "10S", "٣s", "nan", "infs", "10s;", "10s&timeout=1ms"),
        *("1" * 10 + "s", "9s" * 17),
    ],
)
def test_what_is_no_go_duration_leaves_the_settings_limit(timeout: str) -> None:
    assert usable_seconds(timeout, 5.0) == 5.0


@given(st.text(alphabet="0123456789.hmsuµn-+ ", max_size=40), st.floats(0.001, 100))
def test_the_usable_time_is_never_more_than_the_setting(timeout: str, most: float) -> None:
    assert 0 < usable_seconds(timeout, most) <= most


@pytest.mark.parametrize(("query", "least", "most"), [("?timeout=2s", 0.5, 1.5), ("", 3.0, 5.0)])
def test_the_timeout_in_the_url_is_honoured(query: str, least: float, most: float) -> None:
    resolver = Remembers()
    post(
        Application(resolver=resolver), body(pod(containers=[unresolved()])), path=f"/mutate{query}"
    )
    assert least < resolver.given <= most


def test_time_that_the_body_took_is_no_longer_there() -> None:
    resolver = Remembers()

    async def slowly() -> AsyncIterator[bytes]:
        await asyncio.sleep(0.2)
        yield body(pod(containers=[unresolved()]))

    async def use(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post("/mutate?timeout=1s", content=slowly(), headers=JSON)

    within(Application(resolver=resolver).app, use)
    assert resolver.given  # less than nothing on a machine that was busy meanwhile
    assert resolver.given <= 0.5


def test_every_response_says_close_while_draining_semantics_6() -> None:
    application = Application()
    assert "connection" not in post(application, body()).headers
    application.health.draining = True
    for answer in (
        post(application, body()),
        post(application, b"none"),
        post(application, body(), headers={}),
        get(application.app, "/mutate"),
        get(application.app, "/nowhere"),
    ):
        assert answer.headers["connection"] == "close"


def test_readiness_says_why_not() -> None:
    missing = ["No certificate is loaded yet."]
    application = Application(health=Health(lambda: missing[0] if missing else ""))
    unready = get(application.probes, "/readyz")
    assert (unready.status_code, unready.text) == (503, "No certificate is loaded yet.\n")
    assert get(application.probes, "/healthz").status_code == 200  # alive all the same
    missing.clear()
    assert get(application.probes, "/readyz").status_code == 200
    application.health.draining = True
    draining = get(application.probes, "/readyz")
    assert draining.status_code == 503
    assert "draining" in draining.text
    assert get(application.probes, "/readyz?draining=ok").status_code == 200  # the kubelet asks so
    missing.append("No certificate is loaded yet.")
    assert get(application.probes, "/readyz?draining=ok").status_code == 503
    assert get(application.probes, "/healthz").status_code == 200


def test_the_startup_probe_is_answered_the_moment_the_webhook_is_ready() -> None:
    """The kubelet asks once and waits: a probe that failed would be an event for somebody."""
    asked = []

    def obstacle() -> str:
        asked.append(1)
        return "No certificate is loaded yet." if len(asked) < 4 else ""

    application = Application(health=Health(obstacle))
    assert get(application.probes, "/startupz").status_code == 200
    assert len(asked) == 4


def test_a_webhook_that_does_not_get_ready_has_started_all_the_same() -> None:
    """Else the kubelet would start it again and again, and nobody could ask it why."""
    health = Health(lambda: "No certificate is loaded yet.")
    probes = create_probes(health, Metrics("1.0"), startup_seconds=0.1)
    assert get(probes, "/startupz").status_code == 200
    assert get(probes, "/readyz").status_code == 503


def test_the_log_line_of_a_review_names_what_an_operator_looks_for() -> None:
    application = Application(level="info")
    two = pod(containers=[*pod()["spec"]["containers"], unresolved("other")])
    post(application, body(two, uid="a-uid", dryRun=True))
    (line,) = application.lines
    assert line["event"] == "reviewed"
    assert line["result"] == "patched"
    assert (line["uid"], line["namespace"]) == ("a-uid", "shop")
    assert line["owner"] == "ReplicaSet/shop-7d9c5b8f6"
    assert line["pod"] == "shop-7d9c5b8f6-"
    assert line["dry_run"] is True
    assert line["containers"] == {"app": "wrapped", "other": "lookup-off"}
    assert line["milliseconds"] >= 0
    assert (line["level"], line["timestamp"][-1]) == ("info", "Z")


def test_the_time_of_a_review_is_from_its_last_byte_to_its_answer() -> None:
    arrived, whole, answered = 100.0, 103.0, 103.00123
    application = Application(clock=iter([arrived, whole, answered]).__next__)
    post(application, body(pod()))
    assert application.lines[-1]["milliseconds"] == 1.2
    counted = application.metrics.exposition()[0].decode()
    assert 'initshim_review_seconds_bucket{le="0.001"} 0.0' in counted
    assert 'initshim_review_seconds_bucket{le="0.002"} 1.0' in counted


def test_a_review_that_changes_nothing_is_a_line_for_who_debugs() -> None:
    application = Application(level="info")
    post(application, body(operation="UPDATE"))
    assert application.lines == []


def test_nothing_of_a_pods_environment_is_logged_or_counted() -> None:
    application = Application(resolver=Fails())
    post(application, body())
    post(application, body(pod(containers=[*pod()["spec"]["containers"], unresolved("other")])))
    post(application, body(pod(containers=[{**pod()["spec"]["containers"][0], "command": SECRET}])))
    assert "review-failed" in application.written.getvalue()
    assert SECRET not in application.written.getvalue()
    assert SECRET.encode() not in application.metrics.exposition()[0]
