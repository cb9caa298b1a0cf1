"""What the chart's roles let the webhook do, and what not: it runs as its service account."""

import base64
import json
from typing import Any

import pytest

from tests.integration.controlplane.controllers import (
    OPT_IN,
    Json,
    account,
    create,
    from_controller,
    namespace,
    until,
)
from tests.integration.controlplane.images import PASSWORD, Images
from tests.integration.controlplane.install import NAMESPACE
from tests.integration.controlplane.plane import ControlPlane
from tests.integration.controlplane.release import Release
from webhook.core.argv import INIT

READABLE = "rights-secrets"
WARM = "rights-warm"
_MORE: dict[str, Any] = {
    "registry": {"warmUp": True, "pullSecretNamespaces": [READABLE]},
    "events": {"enabled": True},
}


@pytest.fixture
def allowed(plane: ControlPlane, release: Release) -> Release:
    """The chart with all that needs rights switched on, and a workload to warm up for."""
    for each in (READABLE, WARM):
        namespace(plane, each, **OPT_IN)
    container = {"name": "web", "image": "postgres:17.2"}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    plane.api.post(
        f"/apis/apps/v1/namespaces/{WARM}/deployments",
        json={
            "metadata": {"name": "web"},
            "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template},
        },
    )
    release.wants(**_MORE)
    return release


def pod(image: str, **spec: object) -> Json:
    return {
        "metadata": {"generateName": "p-"},
        "spec": {"containers": [{"name": "app", "image": image}], **spec},
    }


def command(stored: Json) -> list[str]:
    found: list[str] = stored["spec"]["containers"][0].get("command", [])
    return found


def test_a_deleted_ca_secret_is_made_again_by_name(plane: ControlPlane, release: Release) -> None:
    """`create` is granted by name alone: only server-side apply says the name before it is made."""
    fleet = release.wants()
    plane.kubectl("delete", "secret", "initshim-ca", "-n", NAMESPACE)
    newcomer = fleet.start_one()
    where = f"/api/v1/namespaces/{NAMESPACE}/secrets/initshim-ca"
    secret = plane.api.get(where).json()
    assert set(secret["data"]) >= {"ca.crt", "ca.key"}
    [made] = [
        each
        for each in plane.audit()
        if each["requestURI"] == f"{where}?fieldManager=initshim"
        and each["responseStatus"]["code"] == 201
    ]
    assert made["verb"] == "patch"
    assert made["user"]["username"] == f"system:serviceaccount:{NAMESPACE}:initshim"
    # Its leaf is of a new CA, the others' of the old one: the API server trusts both.
    inside = namespace(plane, "rights-ca", **OPT_IN)
    trusted = [create(plane, inside, {**pod("x"), "spec": spec()}) for _ in range(6)]
    assert all(command(each.pod)[:1] == [INIT] for each in trusted)
    fleet.delete(newcomer)


def spec() -> Json:
    return {"containers": [{"name": "app", "image": "x", "command": ["true"]}]}


def test_its_token_opens_nothing_else(plane: ControlPlane, release: Release) -> None:
    release.wants()
    secret = {"metadata": {"name": "initshim-ca"}, "data": {}}
    mine = f"/api/v1/namespaces/{NAMESPACE}/secrets"
    hooks = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
    plane.kubectl("create", "secret", "generic", "other", "-n", NAMESPACE)
    refused: list[tuple[str, str, Json | None]] = [
        ("GET", mine, None),
        ("GET", f"{mine}/other", None),
        ("POST", mine, secret),
        ("PUT", f"{mine}/initshim-ca", secret),
        ("DELETE", f"{mine}/initshim-ca", None),
        ("GET", "/api/v1/secrets", None),
        ("GET", "/api/v1/pods", None),
        ("GET", "/api/v1/namespaces/default/serviceaccounts/default", None),
        ("GET", "/api/v1/namespaces", None),
        ("GET", hooks, None),
        ("DELETE", f"{hooks}/initshim", None),
        ("GET", f"{hooks}/another", None),
        ("GET", "/apis/apps/v1/deployments", None),
    ]
    with plane.client(plane.token(NAMESPACE, "initshim")) as its:
        for method, path, body in refused:
            answer = its.request(method, path, json=body)
            assert answer.status_code == 403, (method, path, answer.text)
        assert its.get(f"{mine}/initshim-ca").status_code == 200
        assert its.get(f"{hooks}/initshim").status_code == 200


def test_what_workloads_run_is_known_before_their_first_pod(
    plane: ControlPlane, allowed: Release
) -> None:
    assert plane
    for replica in allowed.fleet.replicas:
        until(
            lambda replica=replica: (
                replica.metric(  # type: ignore[misc]
                    "initshim_registry_lookups_total", registry="docker.io", outcome="ok"
                )
                >= 1
            )
        )


@pytest.mark.parametrize("by", ["pod", "service account"])
def test_a_pull_secret_is_read_where_a_role_allows_it(
    by: str, plane: ControlPlane, allowed: Release, images: Images, name: str
) -> None:
    authority = allowed.registry.removeprefix("http://")
    auth = base64.b64encode(f"robot:{PASSWORD}".encode()).decode()
    config = json.dumps({"auths": {authority: {"auth": auth}}})
    body = {
        "metadata": {"name": name},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": base64.b64encode(config.encode()).decode()},
    }
    elsewhere = namespace(plane, f"{name}-elsewhere", **OPT_IN)
    image = f"{authority}/{images.private}:1"
    made = []
    for where in (READABLE, elsewhere):
        plane.api.post(f"/api/v1/namespaces/{where}/secrets", json=body)
        refs = [{"name": name}]
        if by == "pod":
            made.append(create(plane, where, pod(image, imagePullSecrets=refs)))
        else:
            account(plane, where, name, imagePullSecrets=refs)
            made.append(create(plane, where, pod(image, serviceAccountName=name)))
    allowed_one, refused = made
    assert command(allowed_one.pod) == [INIT, "--", "/private"]
    assert allowed_one.warnings == ()
    assert command(refused.pod) == []
    assert "(unauthorized)" in refused.warnings[0]


def test_an_event_on_the_workload_says_what_was_left(plane: ControlPlane, allowed: Release) -> None:
    assert allowed
    where = namespace(plane, "rights-events", **OPT_IN)
    labels: Json = {"labels": {}, "annotations": {}}
    template = {"metadata": labels, "spec": pod("registry.example.com/lost/nowhere:2")["spec"]}
    assert from_controller(plane, where, "web", template).status == 201

    def events() -> list[Json]:
        path = f"/apis/events.k8s.io/v1/namespaces/{where}/events"
        items: list[Json] = plane.api.get(path).json()["items"]
        return [each for each in items if each["reason"] == "LeftWithoutInit"]

    until(events)
    [event] = events()
    assert (event["regarding"]["kind"], event["regarding"]["name"]) == ("ReplicaSet", "web")
    assert "not-found" in event["note"]
