"""Which reviews become Events: a controller's pods, and no rehearsal."""

import asyncio
import json
from typing import Any

import pytest

from tests.fakes.reviews import body, pod
from webhook.admission.admit import Answer, Engine, admit
from webhook.assembly.no_lookups import NoLookups
from webhook.core.mutation import Delivery
from webhook.core.observe import Silent
from webhook.core.policy import ClusterRules
from webhook.kube.events import Owner
from webhook.server.events import record_notices


def answered(content: bytes, *, deny: bool = False) -> Answer:
    async def run() -> Answer:
        delivery = Delivery("reaper:1", "1.0")
        engine = Engine(ClusterRules(), delivery, NoLookups(), Silent(), deny_unresolved=deny)
        return await admit(content, engine, deadline=asyncio.get_running_loop().time() + 5)

    return asyncio.run(run())


def events_of(answer: Answer) -> list[tuple[Owner, str, str]]:
    said: list[tuple[Owner, str, str]] = []
    record_notices(answer, lambda *words: said.append(words))
    return said


def review(**request: Any) -> bytes:
    """A review of a controller's pod with a container that nobody can resolve."""
    made = pod()
    del made["spec"]["containers"][0]["command"]
    reviewed = json.loads(body(made))
    reviewed["request"] |= request
    return json.dumps(reviewed).encode()


def test_a_controllers_pod_that_needs_a_hand_is_told_on_its_owner() -> None:
    ((owner, reason, note),) = events_of(answered(review()))
    assert (owner.kind, owner.name) == ("ReplicaSet", "shop-7d9c5b8f6")
    assert owner.namespace == json.loads(review())["request"]["namespace"]
    assert reason == "lookup-off"
    assert "without an init (lookup-off)" in note


def test_a_rehearsal_tells_nothing() -> None:
    assert not events_of(answered(review(dryRun=True)))


def test_a_refused_pod_is_its_controllers_to_tell() -> None:
    assert not events_of(answered(review(), deny=True))


def test_who_creates_a_pod_by_hand_has_read_the_warning() -> None:
    alone = json.loads(review())
    del alone["request"]["object"]["metadata"]["ownerReferences"]
    assert not events_of(answered(json.dumps(alone).encode()))


@pytest.mark.parametrize("request_", [{"operation": "UPDATE"}, {"subResource": "ephemeral"}])
def test_what_is_not_the_creation_of_a_pod_tells_nothing(request_: dict[str, Any]) -> None:
    assert not events_of(answered(review(**request_)))


def test_a_wrapped_pod_tells_nothing() -> None:
    assert not events_of(answered(body()))
