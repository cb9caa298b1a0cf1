"""`engine: policy`: doctor, audit and leaks know an installation that has no webhook, and say so.

On a control plane of its own, since they look for whatever is installed in the whole cluster.
"""

import json
import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.census.leaker import leaker
from tests.fakes.kubelet import Kubelet, serving
from tests.integration.controlplane.commands import doctor, of_policy, run
from tests.integration.controlplane.controllers import create, namespace
from tests.integration.controlplane.plane import ControlPlane, control_plane
from tests.integration.controlplane.policies import (
    KINDS,
    needs_policies,
    objects,
    values,
    with_policy,
)
from tests.reaper import need
from webhook.cli.leaks.probes import PROBES

Json = dict[str, Any]
NAME = "policy-commands"
NODE = "policy-node"
COMMANDED = {"name": "app", "image": "x", "command": ["/app"]}
BY_IMAGE = {"name": "app", "image": "registry.invalid/app:1"}
_SERVED = "admissionregistration.k8s.io/v1/mutatingadmissionpolicies"
_BOUND = "admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings"
PLUGIN_OFF = "--disable-admission-plugins=MutatingAdmissionPolicy"
# The API server's stamps are whole seconds: the policy may have that of the pod before it.
MISSED = ("older than the policy", "the policy leaves it, or did not hold when it was created")
OFF = {
    "admission plugin": (PLUGIN_OFF,),
    "feature gate": ("--feature-gates=MutatingAdmissionPolicy=false",),
}
NOT_SERVED = (PLUGIN_OFF, f"--runtime-config={_SERVED}=false,{_BOUND}=false")


@pytest.fixture(scope="module")
def alone(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane with the policy, and pods from before it and after."""
    needs_policies(plane)
    with control_plane(plane.name, tmp_path_factory.mktemp("alone")) as other:
        namespace(other, NAME)
        create(other, NAME, pod("early", COMMANDED))
        with_policy(other, NAME)
        create(other, NAME, pod("wrapped", COMMANDED))
        create(other, NAME, pod("unknown", BY_IMAGE))
        yield other


def pod(name: str, container: Json) -> Json:
    return {"metadata": {"name": name}, "spec": {"containers": [container], "nodeName": NODE}}


def test_doctor_finds_a_policy_that_is_bound_and_works(alone: ControlPlane) -> None:
    code, found = doctor(alone)
    assert {each["check"] for each in found} == {"policy"}, found
    assert code == 0
    assert [what for _, what in of_policy(found)] == [
        "it is there: the API server wraps by itself, without a webhook",
        "the policy is bound",
        "the API server wrapped the pod by itself",
    ]


def test_doctor_tells_a_namespace_that_is_not_selected(alone: ControlPlane) -> None:
    namespace(alone, "another")
    code, found = doctor(alone, "--namespace", "another")
    assert code == 1
    assert of_policy(found)[-1][1] == "the namespace is not selected, so no pod in it is wrapped"


def test_audit_plans_as_the_policy_does_and_says_so(alone: ControlPlane) -> None:
    """It asks no registry: nobody did when the pod was created, and nobody will."""
    done = run(alone, "audit", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert "wraps by itself, without a webhook (engine: policy)" in done.stderr
    found = json.loads(done.stdout)
    states = {
        each["name"]: each["state"] for workload in found["workloads"] for each in workload["pods"]
    }
    assert states == {"early": "missed", "wrapped": "wrapped", "unknown": "unresolved"}
    whys = {c["outcome"]: c["why"] for w in found["workloads"] for c in w["containers"]}
    assert whys["missed"] in MISSED
    assert "lookup-off" in whys


def test_leaks_forecasts_what_the_policy_would_do_and_says_so(alone: ControlPlane) -> None:
    """Through the real exec of the API server; behind it, a real program that leaves zombies."""
    need.root()
    need.tool("nsenter", "util-linux")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    with leaker(4, 0) as first, serving(Kubelet(), tls) as kubelet:
        enter = ["nsenter", "-t", str(first), "-p", "-m", "--"]
        kubelet.programs = {"app": [*enter, *PROBES[0].command]}
        node(alone, int(kubelet.url.rpartition(":")[2]))
        for each in ("early", "unknown"):
            runs(alone, each)
        done = run(alone, "leaks", "--exec", "--watch", "1", "-n", NAME, "-o", "json")
    assert done.returncode == 0, done.stderr
    assert "wraps by itself, without a webhook (engine: policy)" in done.stderr
    leaks = [each for each in json.loads(done.stdout)["leaks"] if each["cause"] == "pid-1"]
    assert {each["workload"]["name"]: each["verdict"] for each in leaks} == {
        "early": "mended by initshim",
        "unknown": "left alone by initshim: lookup-off",
    }


def node(plane: ControlPlane, port: int) -> None:
    """A node whose kubelet is ours: the API server asks it to exec."""
    made = plane.api.post("/api/v1/nodes", json={"metadata": {"name": NODE}})
    assert made.status_code == 201, made.text
    addresses = [{"type": "InternalIP", "address": "127.0.0.1"}]
    endpoints = {"kubeletEndpoint": {"Port": port}}
    write(plane, f"/api/v1/nodes/{NODE}", {"addresses": addresses, "daemonEndpoints": endpoints})


def runs(plane: ControlPlane, name: str) -> None:
    """Say of a pod that its container runs, in its kubelet's place."""
    state = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    container = {"name": "app", "state": state, "image": "x", "imageID": "x", "ready": True,
        "restartCount": 0, "containerID": f"containerd://{name}"}  # fmt: skip
    path = f"/api/v1/namespaces/{NAME}/pods/{name}"
    write(plane, path, {"phase": "Running", "containerStatuses": [container]})


def write(plane: ControlPlane, path: str, status: Json) -> None:
    headers = {"Content-Type": "application/merge-patch+json"}
    content = json.dumps({"status": status})
    done = plane.api.patch(f"{path}/status", content=content, headers=headers)
    assert done.status_code == 200, done.text


def test_doctor_tells_a_policy_without_a_binding(alone: ControlPlane) -> None:
    """The last one on this plane: it takes the binding away."""
    alone.kubectl("delete", "mutatingadmissionpolicybinding", NAME)
    code, found = doctor(alone)
    assert code == 2
    assert ("error", f"no binding names the policy {NAME}, so it does nothing") in of_policy(found)


@pytest.mark.parametrize("what", OFF)
@pytest.mark.parametrize("engine", ["policy", "both"])
def test_doctor_tells_an_api_server_that_has_the_feature_off(
    plane: ControlPlane, tmp_path: Path, what: str, engine: str
) -> None:
    """The objects are there, and nothing goes by them. Under `both` the webhook might."""
    needs_policies(plane)
    with control_plane(plane.name, tmp_path, flags=OFF[what]) as other:
        installed(other, rendered(plane, engine))
        code, found = doctor(other)
    assert code == 2
    severity, said = of_policy(found)[-1]
    assert severity == ("error" if engine == "policy" else "warning")
    assert "plugin MutatingAdmissionPolicy off" in said


@pytest.mark.parametrize("engine", ["policy", "both"])
def test_doctor_tells_an_api_server_that_knows_no_policies(
    plane: ControlPlane, tmp_path: Path, engine: str
) -> None:
    needs_policies(plane)
    with control_plane(plane.name, tmp_path, flags=NOT_SERVED) as other:
        installed(other, rendered(plane, engine))
        code, found = doctor(other)
    assert code == 2
    if engine == "policy":
        assert "this API server knows no admission policies" in found[0]["what"]
    else:
        [(severity, said)] = of_policy(found)
        assert severity == "warning"
        assert said.startswith("the API server serves no such kind")


def rendered(plane: ControlPlane, engine: str) -> list[Json]:
    """What the chart has of the API server's own objects; read by one that knows all kinds."""
    chosen = values(NAME, engine=engine, admission={"failurePolicy": "Ignore"})
    return objects(plane, chosen, *KINDS, "MutatingWebhookConfiguration")


def installed(plane: ControlPlane, given: Sequence[Json]) -> None:
    """Apply what the API server takes."""
    for each in given:
        plane.kubectl("apply", "-f", "-", stdin=json.dumps(each), check=False)
    namespace(plane, NAME)
