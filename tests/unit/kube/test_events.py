"""Events against an API server that validates them as the real one does."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.fakes.api_server import ApiServer, Json, Refusal, Rule, serving
from webhook.core.observe import EventOutcome, Silent
from webhook.core.schema import OwnerReference
from webhook.kube.client import KubeClient
from webhook.kube.connect import Connection
from webhook.kube.events import EventSource, Owner, Pace, Recorder

EVENTS = "/apis/events.k8s.io/v1/namespaces/shop/events"
NOW = datetime(2026, 11, 26, 1, 2, 3, tzinfo=UTC)
STATEFUL = Owner("apps/v1", "StatefulSet", "db", "uid-db", "shop")
REPLICAS = Owner("apps/v1", "ReplicaSet", "web-7d9c5b8f6", "uid-rs", "shop")
JOB = Owner("batch/v1", "Job", "nightly-29", "uid-job", "shop")


@dataclass
class RecordingObserver(Silent):
    outcomes: list[str] = field(default_factory=list)
    notes: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def event(self, outcome: EventOutcome) -> None:
        self.outcomes.append(outcome)

    def note(self, event: str, **fields: object) -> None:
        self.notes.append((event, fields))


@dataclass
class Stage:
    """A cluster, a clock that a test turns, and what was observed."""

    server: ApiServer
    url: str
    time: float = 0.0
    observer: RecordingObserver = field(default_factory=RecordingObserver)

    def run(
        self, play: Callable[[Recorder], Awaitable[Any]], *, most: int = 1024, seconds: float = 5
    ) -> None:
        async def nobody() -> None:
            return None

        async def main() -> None:
            connection = Connection(self.url, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), nobody)
            async with KubeClient(connection) as client:
                world = EventSource("pod-1", lambda: NOW, lambda: self.time, self._sleep)
                pace = Pace(deadline=seconds)
                recorder = Recorder(
                    client, source=world, observer=self.observer, pace=pace, most=most
                )
                task = asyncio.create_task(recorder.run())
                await play(recorder)
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

        asyncio.run(main())

    async def _sleep(self, _: float) -> None:
        await asyncio.sleep(0)

    async def settled(self, count: int) -> None:
        """Wait until so many events have an outcome."""
        async with asyncio.timeout(10):
            while len(self.observer.outcomes) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    @property
    def events(self) -> list[Json]:
        return [each for path, each in self.server.objects.items() if path.startswith(EVENTS)]


@pytest.fixture
def stage() -> Iterator[Stage]:
    server = ApiServer()
    with serving(server) as url:
        yield Stage(server, url)


def test_an_event_is_about_the_owner_and_says_who_wrote_it(stage: Stage) -> None:
    async def play(recorder: Recorder) -> None:
        recorder.record(STATEFUL, "no-command", "Container db runs without an init.")
        await stage.settled(1)

    stage.run(play)
    (event,) = stage.events
    assert event["regarding"] == {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "name": "db",
        "namespace": "shop",
        "uid": "uid-db",
    }
    assert event["note"] == "Container db runs without an init."
    assert (event["type"], event["reason"]) == ("Warning", "LeftWithoutInit")
    assert event["reportingInstance"] == "pod-1"
    assert event["eventTime"] == "2026-11-26T01:02:03.000000Z"
    assert "series" not in event
    assert stage.observer.outcomes == ["written"]


def test_the_same_again_is_counted_and_written_when_its_time_has_come(stage: Stage) -> None:
    async def play(recorder: Recorder) -> None:
        recorder.record(STATEFUL, "no-command", "A note.")
        await stage.settled(1)
        for _ in range(1000):
            recorder.record(STATEFUL, "no-command", "A note.")
        stage.time = 299
        recorder.record(STATEFUL, "no-command", "A note.")
        await asyncio.sleep(0.05)
        assert stage.observer.outcomes == ["written"]
        stage.time = 300
        recorder.record(STATEFUL, "no-command", "A note.")
        await stage.settled(2)

    stage.run(play)
    (event,) = stage.events
    assert event["series"]["count"] == 1003
    assert sum(line.startswith("POST") for line in stage.server.log) == 2


def test_another_replica_counts_up_the_same_event(stage: Stage) -> None:
    async def play(recorder: Recorder) -> None:
        recorder.record(STATEFUL, "no-command", "A note.")
        await stage.settled(len(stage.observer.outcomes) + 1)

    for _ in range(3):
        stage.run(play)
    (event,) = stage.events
    assert event["series"]["count"] == 3


def test_another_reason_is_another_event(stage: Stage) -> None:
    async def play(recorder: Recorder) -> None:
        recorder.record(STATEFUL, "no-command", "One note.")
        recorder.record(STATEFUL, "unauthorized", "Another note.")
        await stage.settled(2)

    stage.run(play)
    assert {event["note"] for event in stage.events} == {"One note.", "Another note."}


@pytest.mark.parametrize(
    ("below", "collection", "above"),
    [
        (REPLICAS, "/apis/apps/v1/namespaces/shop/replicasets", ("apps/v1", "Deployment", "web")),
        (JOB, "/apis/batch/v1/namespaces/shop/jobs", ("batch/v1", "CronJob", "nightly")),
    ],
)
def test_it_is_said_where_a_person_looks(
    stage: Stage, below: Owner, collection: str, above: tuple[str, str, str]
) -> None:
    version, kind, name = above
    reference = {"apiVersion": version, "kind": kind, "name": name, "uid": "u", "controller": True}
    metadata = {"uid": below.uid, "ownerReferences": [reference]}
    stage.server.put(f"{collection}/{below.name}", {"metadata": metadata})

    async def play(recorder: Recorder) -> None:
        recorder.record(below, "no-command", "A note.")
        await stage.settled(1)

    stage.run(play)
    (event,) = stage.events
    assert (event["regarding"]["kind"], event["regarding"]["name"]) == (kind, name)


def test_of_an_owner_that_cannot_be_read_it_is_said_all_the_same(stage: Stage) -> None:
    path = f"/apis/apps/v1/namespaces/shop/replicasets/{REPLICAS.name}"
    stage.server.put(path, {"metadata": {"uid": REPLICAS.uid, "ownerReferences": [{"kind": 5}]}})

    async def play(recorder: Recorder) -> None:
        recorder.record(REPLICAS, "no-command", "A note.")
        await stage.settled(1)

    stage.run(play)
    assert stage.events[0]["regarding"]["name"] == REPLICAS.name


@pytest.mark.parametrize("uid", ["", "another"])
def test_an_owner_that_was_invented_speaks_for_nobody_else(stage: Stage, uid: str) -> None:
    reference = {"apiVersion": "v1", "kind": "X", "name": "bank", "uid": "u", "controller": True}
    if uid:
        path = f"/apis/apps/v1/namespaces/shop/replicasets/{REPLICAS.name}"
        stage.server.put(path, {"metadata": {"uid": uid, "ownerReferences": [reference]}})

    async def play(recorder: Recorder) -> None:
        recorder.record(REPLICAS, "no-command", "A note.")
        await stage.settled(1)

    stage.run(play)
    assert stage.events[0]["regarding"]["name"] == REPLICAS.name


def test_too_many_are_dropped_and_the_log_says_so_once(stage: Stage) -> None:
    async def play(recorder: Recorder) -> None:
        for number in range(50):  # the writer has no turn in between
            owner = Owner("apps/v1", "StatefulSet", f"db-{number}", f"uid-{number}", "shop")
            recorder.record(owner, "no-command", "A note.")
        await stage.settled(50)

    stage.run(play, most=8)
    assert stage.observer.outcomes.count("dropped") == 42
    assert stage.observer.outcomes.count("written") == len(stage.events) == 8
    assert [event for event, _ in stage.observer.notes] == ["events-dropped"]


def test_a_missing_right_is_said_once_a_minute_with_what_to_grant(stage: Stage) -> None:
    stage.server.rules = {Rule("get", "replicasets")}

    async def play(recorder: Recorder) -> None:
        for number in range(3):
            recorder.record(STATEFUL, f"reason-{number}", "A note.")
        await stage.settled(3)

    stage.run(play)
    assert stage.observer.outcomes == ["failed"] * 3
    ((event, fields),) = stage.observer.notes
    assert event == "event-not-written"
    assert "Grant the verb 'create' on events.events.k8s.io" in str(fields["next_step"])


def test_create_and_patch_are_all_the_rights_it_needs(stage: Stage) -> None:
    stage.server.rules = {Rule("create", "events"), Rule("patch", "events")}
    test_another_replica_counts_up_the_same_event(stage)


def test_an_api_server_that_hangs_holds_nobody_up(stage: Stage) -> None:
    stage.server.interfere = lambda *_: time.sleep(0.5)

    async def play(recorder: Recorder) -> None:
        recorder.record(STATEFUL, "one", "A note.")
        await stage.settled(1)

    stage.run(play, seconds=0.1)
    assert stage.observer.outcomes == ["failed"]
    assert "no answer in 0.1 s" in str(stage.observer.notes)


def test_what_could_not_be_said_is_counted_with_the_next(stage: Stage) -> None:
    hung: list[float] = []

    def interfere(method: str, _: str) -> None:
        if method == "POST" and not hung:
            hung.append(1)
            raise Refusal(504, "Timeout", "timed out")

    stage.server.interfere = interfere

    async def play(recorder: Recorder) -> None:
        recorder.record(STATEFUL, "one", "A note.")
        recorder.record(STATEFUL, "two", "A note.")
        await stage.settled(2)
        assert stage.observer.outcomes == ["failed", "written"]
        stage.time = 300
        recorder.record(STATEFUL, "one", "A note.")
        await stage.settled(3)

    stage.run(play)
    assert stage.events[0]["series"]["count"] == 3


def test_what_is_remembered_is_bounded(stage: Stage) -> None:
    async def play(recorder: Recorder) -> None:
        for number in range(40):
            owner = Owner("apps/v1", "StatefulSet", "db", f"uid-{number}", "shop")
            recorder.record(owner, "no-command", "A note.")
            await stage.settled(number + 1)
        assert len(recorder._pending) == 4

    stage.run(play, most=4)


@pytest.mark.parametrize(
    "reference",
    [
        OwnerReference(),
        OwnerReference("v1", "Node", "n", "u"),
        OwnerReference("apps/v1", "X", "", "u"),
        OwnerReference("apps/v1", "X", "x" * 254, "u"),
        OwnerReference(None, "X", "x", "u"),
    ],
)
def test_a_reference_that_no_event_can_be_about_is_none(reference: OwnerReference) -> None:
    assert Owner.read(reference, "shop") is None


def test_a_long_name_still_makes_a_name(stage: Stage) -> None:
    owner = Owner("apps/v1", "StatefulSet", f"{'a' * 199}.{'b' * 53}", "u", "shop")

    async def play(recorder: Recorder) -> None:
        recorder.record(owner, "no-command", "A note.")
        await stage.settled(1)

    stage.run(play)
    assert stage.observer.outcomes == ["written"]


def test_a_namespace_that_floods_the_queue_drops_its_own_events_alone(stage: Stage) -> None:
    async def play(recorder: Recorder) -> None:
        for number in range(40):
            flood = Owner("apps/v1", "StatefulSet", "db", f"uid-{number}", "flood")
            recorder.record(flood, "no-command", "A note.")
        recorder.record(STATEFUL, "no-command", "A note.")
        await stage.settled(41)

    stage.run(play, most=8)
    assert stage.observer.outcomes.count("dropped") == 33
    assert stage.observer.outcomes.count("written") == 8
    written = [each for each in stage.server.log if each.startswith("POST ")]
    assert sum("/shop/" in each for each in written) == 1
    assert any("/shop/" in each for each in written[:2])
