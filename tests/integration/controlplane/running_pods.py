"""Pods that run, as far as an API server knows: states and a node, which only kubelets write."""

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import trustme

from tests.fakes.kubelet import Kubelet, serving
from tests.integration.controlplane.plane import ControlPlane

Json = dict[str, Any]
_MERGE = {"Content-Type": "application/merge-patch+json"}


def post(plane: ControlPlane, path: str, body: Json) -> Json:
    """Make an object, and give it as it was stored."""
    answer = plane.api.post(path, json=body)
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


def owner(made: Json, kind: str, version: str = "apps/v1") -> Json:
    """Give the reference by which a controller says that what it makes is this object's."""
    metadata = made["metadata"]
    return {
        "apiVersion": version,
        "kind": kind,
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
    }


@contextmanager
def node(plane: ControlPlane, name: str) -> Iterator[Kubelet]:
    """Add a node whose kubelet is ours: the API server asks it to exec."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    with serving(Kubelet(), tls) as kubelet:
        post(plane, "/api/v1/nodes", {"metadata": {"name": name}})
        port = int(kubelet.url.rpartition(":")[2])
        status: Json = {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        }
        _write(plane, f"/api/v1/nodes/{name}", status)
        yield kubelet


def running(
    plane: ControlPlane, namespace: str, pod: Mapping[str, Any], *, since: datetime | None = None
) -> Json:
    """Make a pod all of whose containers run since then, by default since it was made."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    made = post(plane, path, dict(pod))
    began = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if since else ""
    state = {"running": {"startedAt": began or made["metadata"]["creationTimestamp"]}}
    statuses = [
        {"name": each["name"], "state": state, "image": "x", "imageID": "x", "ready": True,
         "restartCount": 0}
        for each in made["spec"]["containers"]
    ]  # fmt: skip
    status: Json = {"phase": "Running", "containerStatuses": statuses}
    _write(plane, f"{path}/{made['metadata']['name']}", status)
    return made


def ended(plane: ControlPlane, namespace: str, pod: Mapping[str, Any]) -> Json:
    """Make a pod that has run to its end."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    made = post(plane, path, dict(pod))
    _write(plane, f"{path}/{made['metadata']['name']}", {"phase": "Succeeded"})
    return made


def _write(plane: ControlPlane, path: str, status: Json) -> None:
    body = json.dumps({"status": status})
    answer = plane.api.patch(f"{path}/status", content=body, headers=_MERGE)
    assert answer.status_code == 200, answer.text
