"""`engine: both` with everything real: the webhook is asked for what the policy leaves, no more."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.integration.controlplane.commands import doctor, of_policy
from tests.integration.controlplane.controllers import OPT_IN, Json, create, namespace, until
from tests.integration.controlplane.neighbour import neighbour
from tests.integration.controlplane.plane import ControlPlane
from tests.integration.controlplane.policies import needs_policies, said
from tests.integration.controlplane.release import Release
from webhook.core.annotations import STATUS
from webhook.core.argv import INIT

COMMANDED = {"name": "app", "image": "x", "command": ["/app"]}
BY_HAND = {"name": "side", "image": "registry.example.com/none:1"}
CALLED = "the API server called the webhook, and it wrapped the pod"
SETTLED = "the API server wrapped the pod by itself"
# As a mesh's: it gives no command, and the registry knows what its image runs.
SIDECAR = {"name": "proxy", "image": "docker.io/istio/proxyv2:1.24.0", "args": ["proxy"]}
SCRIPT = {"name": "side", "image": "x", "command": ["sh", "-c", "exec systemd-notify; app 'tini'"]}


def pod(*containers: Json) -> Json:
    return {"metadata": {"generateName": "both-"}, "spec": {"containers": [*containers]}}


@pytest.fixture(scope="module")
def both(plane: ControlPlane, release: Release) -> Iterator[Release]:
    needs_policies(plane)
    release.wants(engine="both")
    where = namespace(plane, "both", **OPT_IN)
    namespace(plane, "both-meshed", mesh="yes", **OPT_IN)

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
    both.fleet.hold(*both.fleet.replicas)
    for each in both.fleet.replicas:
        each.pause()
    try:
        made = create(plane, "both", pod(COMMANDED, BY_HAND))
    finally:
        for each in both.fleet.replicas:
            each.resume()
        both.fleet.release(*both.fleet.replicas)
    app, side = made.pod["spec"]["containers"]
    assert app["command"] == [INIT, "--", "/app"]
    assert "command" not in side
    assert status(made.pod)["skipped"] == {"side": "left-to-webhook"}


def meshed(plane: ControlPlane, *containers: Json) -> Json:
    """Create a pod to which the neighbour adds its sidecar."""

    def stored() -> Json:
        return create(plane, "both-meshed", pod(*containers), query="?dryRun=All").pod

    until(lambda: len(stored()["spec"]["containers"]) == len(containers) + 1)
    return stored()


def argv0(stored: Json) -> list[str]:
    return [(each.get("command") or [""])[0] for each in stored["spec"]["containers"]]


@pytest.mark.usefixtures("both")
def test_a_sidecar_that_is_added_later_is_wrapped_where_the_webhook_was_asked(
    plane: ControlPlane, tmp_path: Path
) -> None:
    """Both are asked again; the policy leaves it, and the webhook looks its image up."""
    with neighbour(plane, "zz-mesh", tmp_path, sidecar=SIDECAR):
        made = meshed(plane, COMMANDED, SCRIPT)
    assert argv0(made) == [INIT, INIT, INIT]
    assert status(made) | {"version": ""} == {
        "version": "", "wrapped": ["app", "side", "proxy"], "skipped": {},
    }  # fmt: skip
    assert [each["name"] for each in made["spec"]["initContainers"]] == ["initshim"]


def test_a_sidecar_that_gives_a_command_is_wrapped_by_the_policy_in_the_second_round(
    plane: ControlPlane, both: Release, tmp_path: Path
) -> None:
    before = both.reviews()
    with neighbour(plane, "zz-mesh", tmp_path):
        made = meshed(plane, COMMANDED)
    assert argv0(made) == [INIT, INIT]
    assert both.reviews() == before


@pytest.mark.usefixtures("both")
def test_a_later_sidecar_of_a_settled_pod_is_left_as_the_page_says(
    plane: ControlPlane, tmp_path: Path
) -> None:
    """An API server asks no webhook in the second round that it did not ask in the first."""
    with neighbour(plane, "zz-mesh", tmp_path, sidecar=SIDECAR):
        made = meshed(plane, COMMANDED)
        told = [each for each in asked(plane) if "zz-mesh" in each["object"]]
    assert [(each["check"], each["severity"]) for each in told] == [("policy", "info")]
    assert "fullnameOverride=zz-initshim" in told[0]["remedy"]
    assert argv0(made) == [INIT, ""]
    assert status(made)["skipped"] == {"proxy": "left-to-webhook"}


@pytest.mark.usefixtures("both")
def test_a_mesh_that_comes_first_is_wrapped_whole(plane: ControlPlane, tmp_path: Path) -> None:
    """What `fullnameOverride: zz-initshim` makes of every mesh: the webhook sees the sidecar."""
    with neighbour(plane, "aa-mesh", tmp_path, sidecar=SIDECAR):
        made = meshed(plane, COMMANDED)
        assert not [each for each in asked(plane) if "mesh" in each["object"]]
    assert argv0(made) == [INIT, INIT]
    assert status(made)["skipped"] == {}


def test_a_later_sidecar_whose_image_is_described_is_wrapped(
    plane: ControlPlane, both: Release, tmp_path: Path
) -> None:
    known = {"*/istio/proxyv2:*": {"entrypoint": ["/usr/local/bin/pilot-agent"]}}
    both.wants(engine="both", entrypoints=known)
    with neighbour(plane, "zz-mesh", tmp_path, sidecar=SIDECAR):
        until(lambda: argv0(meshed(plane, COMMANDED)) == [INIT, INIT])
        made = meshed(plane, COMMANDED)
    both.wants(engine="both")
    proxy = made["spec"]["containers"][-1]
    assert proxy["command"] == [INIT, "--", "/usr/local/bin/pilot-agent"]
    assert proxy["args"] == ["proxy"]


@pytest.mark.usefixtures("both")
def test_doctor_tells_who_wrapped_the_pod(plane: ControlPlane) -> None:
    _, found = doctor(plane, "--webhook", "initshim", "--namespace", "both")
    assert of_policy(found)[-1] == ("ok", SETTLED), found
    assert said_of(found, "rehearsal") == [
        "the API server called the webhook, and it wrapped the pod"
    ]
    assert ("ok", "the policy is bound") in of_policy(found)


def said_of(found: Sequence[Json], check: str) -> list[str]:
    return [each["what"] for each in found if each["check"] == check]


def test_doctor_tells_a_policy_that_does_nothing(plane: ControlPlane, both: Release) -> None:
    """First unbound, then gone: the webhook does it all, and doctor says what that costs."""
    assert both
    stored = plane.kubectl("get", "mutatingadmissionpolicybinding", "initshim", "-o", "json").stdout
    plane.kubectl("delete", "mutatingadmissionpolicybinding", "initshim")
    until(lambda: of_policy(asked(plane))[-1][0] == "warning", seconds=60)
    found = of_policy(asked(plane))
    assert found[-1][1].startswith("the webhook had to wrap what the policy should have")
    assert found[-1][1].endswith("while the webhook is down, nothing is wrapped")
    unbound = "no binding names the policy initshim, so it does nothing"
    assert ("warning", unbound) in found

    policy = plane.kubectl("get", "mutatingadmissionpolicy", "initshim", "-o", "json").stdout
    plane.kubectl("delete", "mutatingadmissionpolicy", "initshim")
    [(severity, what)] = [each for each in of_policy(asked(plane)) if "is not there" in each[1]]
    assert (severity, what[:15]) == ("warning", "it is not there")
    for each in (policy, stored):
        plane.kubectl("create", "-f", "-", stdin=without_server_fields(each))
    until(lambda: of_policy(asked(plane))[-1] == ("ok", SETTLED), seconds=60)


def asked(plane: ControlPlane) -> list[Json]:
    return doctor(plane, "--webhook", "initshim", "--namespace", "both")[1]


def without_server_fields(text: str) -> str:
    found: Json = json.loads(text)
    for key in ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"):
        found["metadata"].pop(key, None)
    return json.dumps(found)
