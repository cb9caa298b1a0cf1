"""Doctor, Events and warnings, as a real API server has them."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.replica import Replica
from tests.integration.controlplane.commands import doctor, run
from tests.integration.controlplane.fleet import Fleet, webhook
from tests.integration.controlplane.install import NAMESPACE, install
from tests.integration.controlplane.plane import ControlPlane
from tests.integration.controlplane.release import Release
from tests.integration.server.process import PATIENCE

Json = dict[str, Any]
SPACE = "events"
VALUES = {"events": {"enabled": True}, "registry": {"lookups": False}}


@pytest.fixture(scope="module")
def fleet(plane: ControlPlane, release: Release) -> Iterator[Fleet]:
    """The webhook with Events, in front of a namespace that is opted in."""
    release.stop()  # the Service is for replicas of our own
    install(plane, VALUES)
    if plane.kubectl("create", "namespace", SPACE, check=False).returncode == 0:
        plane.kubectl("label", "namespace", SPACE, "initshim.dev/inject=enabled")
        plane.kubectl("create", "serviceaccount", "default", "-n", SPACE)
    with webhook(plane, replicas=2) as running:
        yield running


def template(**container: Any) -> Json:
    """A pod template whose container gives no command."""
    spec = {"containers": [{"name": "web", "image": "registry.invalid/web:1", **container}]}
    return {"metadata": {"labels": {"app": "web"}}, "spec": spec}


def made(plane: ControlPlane, path: str, body: Json) -> Json:
    answer = plane.api.post(path, json=body)
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def owner(made_by: Json, version: str, kind: str) -> list[Json]:
    metadata = made_by["metadata"]
    reference = {"apiVersion": version, "kind": kind, "name": metadata["name"]}
    return [{**reference, "uid": metadata["uid"], "controller": True}]


def deployment(plane: ControlPlane, name: str) -> Json:
    """Make a Deployment and its ReplicaSet, as the controllers would."""
    spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template()}
    apps = f"/apis/apps/v1/namespaces/{SPACE}"
    above = made(plane, f"{apps}/deployments", {"metadata": {"name": name}, "spec": spec})
    metadata = {
        "name": f"{name}-7d9c5b8f6",
        "ownerReferences": owner(above, "apps/v1", "Deployment"),
    }
    return made(plane, f"{apps}/replicasets", {"metadata": metadata, "spec": spec})


def create_pod(plane: ControlPlane, replicas: Json, *, dry_run: bool = False) -> None:
    name = replicas["metadata"]["name"]
    metadata = {
        "generateName": f"{name}-",
        "ownerReferences": owner(replicas, "apps/v1", "ReplicaSet"),
    }
    query = "?dryRun=All" if dry_run else ""
    pod = {**template(), "metadata": metadata}
    made(plane, f"/api/v1/namespaces/{SPACE}/pods{query}", pod)


def events(plane: ControlPlane, name: str) -> list[Json]:
    found = plane.api.get(f"/apis/events.k8s.io/v1/namespaces/{SPACE}/events").json()["items"]
    return [each for each in found if each["regarding"]["name"] == name]


def outcome(replica: Replica, name: str) -> float:
    """Count what became of a replica's Events."""
    return replica.metric("initshim_events_total", outcome=name)


def outcomes(fleet: Fleet) -> float:
    """Count the Events that all replicas together wrote."""
    return sum(outcome(each, "written") for each in fleet.replicas)


def await_events(fleet: Fleet, number: float) -> None:
    """Wait until so many were written."""
    end = time.monotonic() + PATIENCE
    while outcomes(fleet) < number:
        assert time.monotonic() < end, [each.written for each in fleet.replicas]
        time.sleep(0.1)


def test_the_deployment_is_told_once_for_all_its_pods_and_replicas(
    plane: ControlPlane, fleet: Fleet
) -> None:
    replicas = deployment(plane, "shop")
    for _ in range(2):
        before = outcomes(fleet)
        for _ in range(3):
            create_pod(plane, replicas)
        await_events(fleet, before + 1)
        asked = next(each for each in fleet.replicas if outcome(each, "written"))
        # The API server keeps its connection to a replica: the next one is another's.
        fleet.force_delete(asked)
        fleet.start_one()
    (event,) = events(plane, "shop")
    assert event["reason"] == "LeftWithoutInit"
    assert event["note"].startswith("Container web runs without an init (lookup-off)")
    assert event["series"]["count"] >= 2
    described = plane.kubectl("describe", "deployment", "shop", "-n", SPACE).stdout
    assert "LeftWithoutInit" in described
    assert "initshim.dev/entrypoint.web" in described


def test_a_rehearsal_leaves_no_event(plane: ControlPlane, fleet: Fleet) -> None:
    before = outcomes(fleet)
    for replicas in (deployment(plane, "rehearsed"), deployment(plane, "real")):
        for _ in range(4):
            create_pod(plane, replicas, dry_run=replicas["metadata"]["name"].startswith("rehe"))
    await_events(fleet, before + 1)
    assert not events(plane, "rehearsed")
    assert events(plane, "real")


def test_kubectl_shows_the_warning_to_who_creates_a_pod(plane: ControlPlane, fleet: Fleet) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", **template(), "metadata": {"name": "by-hand"}}
    done = plane.kubectl("apply", "-n", SPACE, "-f", "-", stdin=json.dumps(pod))
    assert "Warning: initshim left web alone (lookup-off)" in done.stderr
    assert not events(plane, "by-hand")
    assert fleet.replicas


def severities(findings: list[Json], check: str) -> set[str]:
    return {each["severity"] for each in findings if each["check"] == check}


def test_doctor_finds_the_certificate_the_rehearsal_and_the_rights_good(
    plane: ControlPlane, fleet: Fleet
) -> None:
    _, findings = doctor(plane)
    assert severities(findings, "rehearsal") == {"ok"}
    assert severities(findings, "rights") == {"ok"}
    assert any("caBundle alone" in each["what"] for each in findings)
    assert severities(findings, "certificate") == {"ok", "info"}
    assert severities(findings, "configuration") == {"ok"}
    assert fleet.replicas
    # No controller runs here, so no Deployment ever becomes ready.
    assert "error" in severities(findings, "service")


def test_doctor_tells_a_lost_ca_and_what_it_follows_from(plane: ControlPlane, fleet: Fleet) -> None:
    """No kubelet runs the Deployment here, so that no replica is ready: the cause is said once."""
    secret = f"/api/v1/namespaces/{NAMESPACE}/secrets/initshim-ca"
    held = plane.api.get(secret).json()["data"]
    try:
        lost = {"data": dict.fromkeys(held)}
        headers = {"Content-Type": "application/merge-patch+json"}
        plane.api.patch(secret, json=lost, headers=headers).raise_for_status()
        code, findings = doctor(plane)
    finally:
        plane.api.patch(secret, json={"data": held}, headers=headers).raise_for_status()
    assert code == 2
    (lost_ca,) = (each for each in findings if "ca.crt can't be used" in each["what"])
    assert (lost_ca["check"], lost_ca["severity"]) == ("certificate", "info")
    assert lost_ca["what"].endswith("(see service, Deployment initshim/initshim)")
    assert "error" in severities(findings, "service")
    assert fleet.replicas


def test_doctor_tells_an_account_that_can_change_its_rules(
    plane: ControlPlane, fleet: Fleet
) -> None:
    """The API server goes by a binding some moments after it was made, or taken away."""
    kind = "validatingadmissionpolicybindings"
    path = f"/apis/admissionregistration.k8s.io/v1/{kind}/initshim-ca-bundle"
    binding = plane.api.get(path).json()
    assert plane.api.delete(path).status_code == 200
    try:
        await_finding(plane, "rights", "warning", "every object of the cluster")
    finally:
        kept = {key: binding["metadata"][key] for key in ("name", "labels")}
        made(plane, path.rpartition("/")[0], {**binding, "metadata": kept})
    await_finding(plane, "rights", "ok", "caBundle alone")
    assert fleet.replicas


def await_finding(plane: ControlPlane, check: str, severity: str, what: str) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        _, findings = doctor(plane)
        said = [each for each in findings if each["check"] == check]
        if any(each["severity"] == severity and what in each["what"] for each in said):
            return
        assert time.monotonic() < end, said


def test_doctor_tells_a_namespace_that_is_not_selected(plane: ControlPlane, fleet: Fleet) -> None:
    _, findings = doctor(plane, "--namespace", "default")
    (rehearsed,) = (each for each in findings if each["check"] == "rehearsal")
    assert "not selected" in rehearsed["what"]
    assert fleet.replicas


def test_doctor_passes_over_a_namespace_that_is_being_deleted(
    plane: ControlPlane, fleet: Fleet
) -> None:
    """Its own name comes first in the alphabet, so that it would be where doctor rehearses."""
    name = "aa-leaving"
    path = f"/api/v1/namespaces/{name}"
    metadata = {"name": name, "labels": {"initshim.dev/inject": "enabled"}}
    made(plane, "/api/v1/namespaces", {"metadata": metadata})
    left = plane.api.delete(path).json()  # it stays: no controller empties it here
    try:
        _, findings = doctor(plane)
        _, asked = doctor(plane, "--namespace", name)
    finally:
        plane.api.put(f"{path}/finalize", json={**left, "spec": {}}).raise_for_status()
    assert severities(findings, "rehearsal") == {"ok"}
    assert not [each for each in findings if name in each["object"] + each["what"]]
    (rehearsed,) = (each for each in asked if each["check"] == "rehearsal")
    assert "is being deleted" in rehearsed["what"]
    assert fleet.replicas


def test_doctor_without_rights_says_which_are_missing(plane: ControlPlane, fleet: Fleet) -> None:
    plane.kubectl("create", "serviceaccount", "nobody", "-n", SPACE, check=False)
    config = json.loads(plane.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": plane.token(SPACE, "nobody")}
    limited = plane.folder / "nobody"
    limited.write_text(json.dumps(config))
    done = run(plane, "doctor", kubeconfig=limited)
    assert done.returncode == 3
    assert "Grant the verb 'list' on mutatingwebhookconfigurations" in done.stderr
    assert fleet.replicas


def test_doctor_tells_a_webhook_that_fails_though_ignore_hides_it(
    plane: ControlPlane, fleet: Fleet
) -> None:
    fleet.force_delete(*fleet.replicas)
    code, findings = doctor(plane)
    (rehearsed,) = (each for each in findings if each["check"] == "rehearsal")
    # The service without a pod behind it is the cause, and the error; the rehearsal shows it.
    assert (code, rehearsed["severity"]) == (2, "info")
    assert "called the webhook and got no answer" in rehearsed["what"]
