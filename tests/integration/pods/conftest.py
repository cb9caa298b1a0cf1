"""A node to run pods on, and the webhook that admits them."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonpatch
import pytest

from tests.integration.pods.runtime import IMAGES, REAPER, Node
from tests.integration.server.running import Reader, request, webhook
from tests.reaper import need

Admit = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    need.root()
    for program, package in (("podman", "podman"), ("buildah", "buildah"), ("runc", "runc")):
        need.tool(program, package)
    busybox = need.tool("busybox", "busybox-static")
    return Node(tmp_path_factory.mktemp("node"), busybox)


@pytest.fixture(scope="session")
def admit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Admit]:
    """Send a review over TLS and apply the patch that comes back."""
    known = {
        f"localhost/{name}:1": {key.lower(): value for key, value in config.items()}
        for name, config in IMAGES.items()
        if config
    }
    images = tmp_path_factory.mktemp("webhook") / "images.json"
    images.write_text(json.dumps(known))  # JSON is YAML
    with webhook(reaper_image=REAPER, images_file=images, lookups=False) as served:

        def send(pod: dict[str, Any]) -> dict[str, Any]:
            with served.connect() as connection:
                connection.sendall(request(_review(pod)))
                response = Reader(connection).response()
            assert response.status == 200, response.body
            answer = json.loads(response.body)["response"]
            assert answer["allowed"], answer
            patch = json.loads(base64.b64decode(answer["patch"]))
            patched: dict[str, Any] = jsonpatch.apply_patch(pod, patch)
            return patched

        yield send


def _review(pod: dict[str, Any]) -> bytes:
    return json.dumps(
        {
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "request": {
                "uid": "c0ffee",
                "operation": "CREATE",
                "namespace": "default",
                "resource": {"group": "", "version": "v1", "resource": "pods"},
                "object": pod,
            },
        }
    ).encode()


def cases() -> list[Path]:
    return sorted((Path(__file__).parent / "cases").glob("*.yaml"))
