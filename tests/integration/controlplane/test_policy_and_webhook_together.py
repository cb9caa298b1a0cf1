"""`engine: both` with everything real: the webhook is asked for what the policy leaves, no more."""

import json
from collections.abc import Iterator

import pytest

from tests.integration.controlplane.plane import ControlPlane
from tests.integration.controlplane.policies import needs_policies, said
from tests.integration.controlplane.release import Release
from tests.integration.controlplane.world import OPT_IN, Json, create, namespace, until
from webhook.core.annotations import STATUS
from webhook.core.argv import INIT

COMMANDED = {"name": "app", "image": "x", "command": ["/app"]}
BY_HAND = {"name": "side", "image": "registry.example.com/none:1"}
SCRIPT = {"name": "side", "image": "x", "command": ["sh", "-c", "exec systemd-notify; app 'tini'"]}


def pod(*containers: Json) -> Json:
    return {"metadata": {"generateName": "both-"}, "spec": {"containers": [*containers]}}


@pytest.fixture(scope="module")
def both(plane: ControlPlane, release: Release) -> Iterator[Release]:
    needs_policies(plane)
    release.wants(engine="both")
    where = namespace(plane, "both", **OPT_IN)

    def unasked() -> bool:
        before = release.reviews()
        create(plane, where, pod(COMMANDED), query="?dryRun=All")
        return release.reviews() == before

    until(unasked, seconds=60)
    yield release
    for kind in ("mutatingadmissionpolicybinding", "mutatingadmissionpolicy"):
        plane.kubectl("delete", kind, "initshim")
    release.wants()


def status(stored: Json) -> Json:
    found: Json = json.loads(said(stored)[STATUS])
    return found


def test_a_settled_pod_costs_no_call(plane: ControlPlane, both: Release) -> None:
    before = both.reviews()
    made = create(plane, "both", pod(COMMANDED))
    assert both.reviews() == before
    assert made.pod["spec"]["containers"][0]["command"] == [INIT, "--", "/app"]


def test_what_the_policy_leaves_the_webhook_does(plane: ControlPlane, both: Release) -> None:
    before = both.reviews()
    made = create(plane, "both", pod(COMMANDED, SCRIPT))
    assert both.reviews() > before
    assert status(made.pod)["skipped"] == {}
    assert status(made.pod)["wrapped"] == ["app", "side"]
    assert [each["command"][0] for each in made.pod["spec"]["containers"]] == [INIT, INIT]


def test_with_the_webhook_down_a_command_is_wrapped_all_the_same(
    plane: ControlPlane, both: Release
) -> None:
    members = [each.member for each in both.fleet.replicas]
    for member in members:
        both.fleet.balancer.hold(member)
    for each in both.fleet.replicas:
        each.pause()
    try:
        made = create(plane, "both", pod(COMMANDED, BY_HAND))
    finally:
        for replica, member in zip(both.fleet.replicas, members, strict=True):
            replica.resume()
            both.fleet.balancer.release(member)
    app, side = made.pod["spec"]["containers"]
    assert app["command"] == [INIT, "--", "/app"]
    assert "command" not in side
    assert status(made.pod)["skipped"] == {"side": "left-to-webhook"}
