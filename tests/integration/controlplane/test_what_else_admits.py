"""The plugins beside us: Pod Security, LimitRange, ResourceQuota, and a webhook after ours."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.controlplane.controllers import OPT_IN, Json, create, namespace, until
from tests.integration.controlplane.neighbour import Neighbour, neighbour
from tests.integration.controlplane.plane import ControlPlane
from tests.integration.controlplane.release import Release
from webhook.core.annotations import STATUS
from webhook.core.argv import INIT

RESTRICTED = {
    f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")
}
STRICT = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
SHAPES: dict[str, list[Json]] = {
    "guaranteed": [{"limits": {"cpu": "250m", "memory": "64Mi", "ephemeral-storage": "1Gi"}}],
    "burstable": [
        {"requests": {"cpu": "100m", "memory": "32Mi"}, "limits": {"memory": "64Mi"}},
        {"requests": {"cpu": "1", "memory": "128Mi"}},
    ],
    "best effort": [{}, {}],
}


def pod(name: str, resources: list[Json], **security: object) -> Json:
    more = {"securityContext": security} if security else {}
    containers = [
        {"name": f"c{number}", "image": "x", "command": ["/app"], "resources": each, **more}
        for number, each in enumerate(resources)
    ]
    return {"metadata": {"name": name}, "spec": {"containers": containers}}


def both(plane: ControlPlane, name: str, **labels: str) -> tuple[str, str]:
    """Two namespaces that differ by our label alone."""
    return (
        namespace(plane, f"{name}-in", **OPT_IN, **labels),
        namespace(plane, f"{name}-out", **labels),
    )


def wrapped(stored: Json) -> bool:
    return all(each["command"][0] == INIT for each in stored["spec"]["containers"])


def test_a_restricted_pod_is_wrapped_where_restricted_is_enforced(
    plane: ControlPlane, release: Release, name: str
) -> None:
    release.wants()
    inside, outside = both(plane, name, **RESTRICTED)
    loose = create(plane, outside, pod("loose", [{}]))
    assert loose.status == 403, "the case proves nothing: restricted is not enforced"
    made = create(plane, inside, pod("strict", [{}], **STRICT))
    assert wrapped(made.pod)
    assert made.warnings == ()


def test_the_webhooks_own_pods_are_admitted_where_restricted_is_enforced(
    plane: ControlPlane, release: Release
) -> None:
    release.wants()
    got = plane.kubectl("get", "deployment", "initshim", "-n", "initshim", "-o", "json").stdout
    template = json.loads(got)["spec"]["template"]
    template["metadata"]["generateName"] = "initshim-"
    made = create(plane, "initshim", template, query="?dryRun=All")
    assert made.status == 201, made.body
    assert made.warnings == ()
    assert not wrapped_by_us(made.pod)


def wrapped_by_us(stored: Json) -> bool:
    return STATUS in (stored["metadata"].get("annotations") or {})


@pytest.mark.parametrize("shape", SHAPES)
def test_a_quota_counts_a_wrapped_pod_as_it_counts_the_pod_alone(
    shape: str, plane: ControlPlane, release: Release, name: str
) -> None:
    release.wants()
    used = []
    for where in both(plane, name):
        hard = {"pods": "9"} | {
            f"{kind}.{what}": "90Gi" if what != "cpu" else "90"
            for kind in ("requests", "limits")
            for what in ("cpu", "memory", "ephemeral-storage")
            if shape != "best effort"
        }
        quota(plane, where, hard)
        # A quota on limits wants limits everywhere; only the first shape has them.
        resources = [{**each, "limits": full(each)} for each in SHAPES[shape]]
        body = pod("counted", resources if shape != "best effort" else SHAPES[shape])
        assert wrapped(create(plane, where, body).pod) == where.endswith("-in")
        used.append(used_of(plane, where))
    assert used[0] == used[1]
    assert used[0]["pods"] == "1"


def full(resources: Json) -> Json:
    """Limits for all that a quota counts."""
    return {
        "cpu": "2",
        "memory": "256Mi",
        "ephemeral-storage": "2Gi",
        **resources.get("limits", {}),
    }


def quota(plane: ControlPlane, where: str, hard: Json) -> None:
    """Make a quota and its status, as the controller manager does."""
    root = f"/api/v1/namespaces/{where}/resourcequotas"
    made = plane.api.post(root, json={"metadata": {"name": "q"}, "spec": {"hard": hard}})
    assert made.status_code == 201, made.text
    used = dict.fromkeys(hard, "0")
    body = {**made.json(), "status": {"hard": hard, "used": used}}
    put = plane.api.put(f"{root}/q/status", json=body)
    assert put.status_code == 200, put.text


def used_of(plane: ControlPlane, where: str) -> Json:
    path = f"/api/v1/namespaces/{where}/resourcequotas/q"
    used: Json = plane.api.get(path).json()["status"]["used"]
    return used


@pytest.mark.parametrize("shape", SHAPES)
def test_a_limit_range_gives_a_wrapped_pod_what_it_gives_the_pod_alone(
    shape: str, plane: ControlPlane, release: Release, name: str
) -> None:
    """Defaults come before us; limits of size and ratio are checked after us."""
    release.wants()
    limits = [
        {
            "type": "Container",
            "default": {"cpu": "1", "memory": "256Mi"},
            "defaultRequest": {"cpu": "500m", "memory": "32Mi"},
            "min": {"cpu": "50m", "memory": "16Mi"},
            "max": {"cpu": "2", "memory": "512Mi"},
            "maxLimitRequestRatio": {"cpu": "10"},
        },
        {"type": "Pod", "max": {"cpu": "4", "memory": "1Gi"}},
    ]
    stored = []
    for where in both(plane, name):
        root = f"/api/v1/namespaces/{where}/limitranges"
        made = plane.api.post(root, json={"metadata": {"name": "l"}, "spec": {"limits": limits}})
        assert made.status_code == 201, made.text
        seen = create(plane, where, pod("sized", SHAPES[shape]))
        stored.append(seen.pod)
    ours, plain = stored
    assert wrapped(ours)
    assert not wrapped(plain)
    assert ours["status"]["qosClass"] == plain["status"]["qosClass"]
    resources = [[each["resources"] for each in x["spec"]["containers"]] for x in stored]
    assert resources[0] == resources[1]
    [init] = ours["spec"]["initContainers"]
    counted = {"cpu", "memory", "ephemeral-storage"}
    first = resources[0][0]
    assert init["resources"] == {
        kind: {name: amount for name, amount in first[kind].items() if name in counted}
        for kind in first
    }


@pytest.fixture
def after_us(plane: ControlPlane, tmp_path: Path) -> Iterator[Neighbour]:
    """A webhook that adds a sidecar; configurations are called in the order of their names."""
    with neighbour(plane, "zz-mesh", tmp_path) as running:
        yield running


def test_a_sidecar_that_a_later_webhook_adds_is_wrapped_too(
    plane: ControlPlane, release: Release, after_us: Neighbour, name: str
) -> None:
    release.wants()
    where = namespace(plane, name, **OPT_IN, mesh="yes")
    until(
        lambda: (
            len(create(plane, where, pod("p", [{}]), query="?dryRun=All").pod["spec"]["containers"])
            == 2
        )
    )
    calls = after_us.calls
    made = create(plane, where, pod("meshed", [{}]))
    assert after_us.calls > calls
    assert [each["name"] for each in made.pod["spec"]["containers"]] == ["c0", "mesh"]
    assert wrapped(made.pod)
    assert [each["name"] for each in made.pod["spec"]["initContainers"]] == ["initshim"]
    status = json.loads(made.pod["metadata"]["annotations"][STATUS])
    assert status["wrapped"] == ["c0", "mesh"]
