"""The policy and whatever else admits pods: a mesh after it, Pod Security, other operations."""

import json
from pathlib import Path

import pytest

from tests.integration.controlplane.controllers import Json, create, until
from tests.integration.controlplane.neighbour import neighbour
from tests.integration.controlplane.plane import ControlPlane
from tests.integration.controlplane.policies import said, with_policy
from webhook.core.annotations import STATUS
from webhook.core.argv import INIT

STRICT = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod(name: str) -> Json:
    container = {"name": "app", "image": "x", "command": ["/app"], "securityContext": STRICT}
    return {"metadata": {"name": name}, "spec": {"containers": [container]}}


@pytest.fixture(scope="module")
def where(plane: ControlPlane) -> str:
    return with_policy(plane, "policy-beside")


def labelled(plane: ControlPlane, where: str, **labels: str) -> None:
    body = json.dumps({"metadata": {"labels": labels}})
    headers = {"Content-Type": "application/merge-patch+json"}
    done = plane.api.patch(f"/api/v1/namespaces/{where}", content=body, headers=headers)
    assert done.status_code == 200, done.text


def test_a_sidecar_that_a_webhook_adds_later_is_wrapped_too(
    plane: ControlPlane, where: str, tmp_path: Path
) -> None:
    """`reinvocationPolicy: IfNeeded`: the policy sees the pod again, and wraps the rest."""
    labelled(plane, where, mesh="yes")
    with neighbour(plane, "zz-mesh", tmp_path):

        def stored() -> Json:
            return create(plane, where, pod("meshed"), query="?dryRun=All").pod

        until(lambda: len(stored()["spec"]["containers"]) == 2)
        made = stored()
    assert [each["command"][0] for each in made["spec"]["containers"]] == [INIT, INIT]
    assert [each["name"] for each in made["spec"]["initContainers"]] == ["initshim"]
    assert json.loads(said(made)[STATUS])["wrapped"] == ["app", "mesh"]


def test_a_restricted_pod_is_wrapped_where_restricted_is_enforced(
    plane: ControlPlane, where: str
) -> None:
    labelled(plane, where, **{"pod-security.kubernetes.io/enforce": "restricted"})
    made = create(plane, where, pod("strict"), query="?dryRun=All")
    assert made.pod["spec"]["containers"][0]["command"] == [INIT, "--", "/app"]
    labelled(plane, where, **{"pod-security.kubernetes.io/enforce": "privileged"})


def test_dry_run_server_side_apply_and_other_operations(plane: ControlPlane, where: str) -> None:
    """A dry run is wrapped and not kept; applying again, a resize and a debug container change
    nothing of ours."""
    create(plane, where, pod("kept"), query="?dryRun=All")
    assert plane.api.get(f"/api/v1/namespaces/{where}/pods/kept").status_code == 404
    text = json.dumps({"apiVersion": "v1", "kind": "Pod", **pod("kept")})
    apply = ("apply", "--server-side", "-n", where, "-f", "-")
    plane.kubectl(*apply, stdin=text)
    root = f"/api/v1/namespaces/{where}/pods/kept"
    before = plane.api.get(root).json()
    assert before["spec"]["containers"][0]["command"] == [INIT, "--", "/app"]
    debug = {"spec": {"ephemeralContainers": [{"name": "debug", "image": "x", "command": ["sh"]}]}}
    headers = {"Content-Type": "application/strategic-merge-patch+json"}
    done = plane.api.patch(
        f"{root}/ephemeralcontainers", content=json.dumps(debug), headers=headers
    )
    assert done.status_code == 200, done.text
    resized = {"spec": {"containers": [{"name": "app", "resources": {"requests": {}}}]}}
    done = plane.api.patch(f"{root}/resize", content=json.dumps(resized), headers=headers)
    assert done.status_code == 200, done.text
    after = plane.api.get(root).json()
    assert after["spec"]["ephemeralContainers"][0]["command"] == ["sh"]
    assert after["spec"]["containers"] == before["spec"]["containers"]
    assert said(after) == said(before)
