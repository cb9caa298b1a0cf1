"""The webhook that FastAPI's tutorial would have one write: pydantic over the whole review."""

import base64
import json
import os
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict

from tests.benchmarks.rivals.stack import serve


class Container(BaseModel):
    """What is read of a container; the rest is kept."""

    model_config = ConfigDict(extra="allow")
    name: str
    image: str
    command: list[str] = []
    volumeMounts: list[dict[str, Any]] = []  # noqa: N815 - Kubernetes' name


class Spec(BaseModel):
    """What is read of a pod's spec."""

    model_config = ConfigDict(extra="allow")
    containers: list[Container]
    initContainers: list[Container] = []  # noqa: N815
    volumes: list[dict[str, Any]] = []


class Metadata(BaseModel):
    """What is read of a pod's metadata."""

    model_config = ConfigDict(extra="allow")
    annotations: dict[str, str] = {}


class Pod(BaseModel):
    """A pod."""

    metadata: Metadata
    spec: Spec


class Request(BaseModel):
    """What the API server asks."""

    uid: str
    object: Pod


class Review(BaseModel):
    """An AdmissionReview with a request."""

    request: Request


class Response(BaseModel):
    """The answer."""

    uid: str
    allowed: bool = True
    patchType: str | None = None  # noqa: N815
    patch: str | None = None


class Reviewed(BaseModel):
    """An AdmissionReview with an answer."""

    apiVersion: str = "admission.k8s.io/v1"  # noqa: N815
    kind: str = "AdmissionReview"
    response: Response


IMAGES: dict[str, list[str]] = json.loads(Path(os.environ["IMAGES"]).read_text())
app = FastAPI()


@app.post("/mutate", response_model_exclude_none=True)
async def mutate(review: Review) -> Reviewed:
    """Answer a review."""
    pod = review.request.object
    answer = Response(uid=review.request.uid)
    if pod.metadata.annotations.get("initshim.dev/inject") != "false":
        text = json.dumps(_patch(pod))
        answer.patchType, answer.patch = "JSONPatch", base64.b64encode(text.encode()).decode()
    return Reviewed(response=answer)


def _patch(pod: Pod) -> list[dict[str, Any]]:
    first = {
        "name": "initshim",
        "image": "ghcr.io/initshim/reaper:1.0",
        "imagePullPolicy": "IfNotPresent",
        "command": ["/init", "--install", "/.initshim/init"],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": [{"name": "initshim", "mountPath": "/.initshim"}],
    }
    volume = {"name": "initshim", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}
    inits = [first, *(each.model_dump(exclude_unset=True) for each in pod.spec.initContainers)]
    operations: list[dict[str, Any]] = [
        {"op": "add", "path": "/spec/initContainers", "value": inits},
        {"op": "add", "path": "/spec/volumes", "value": [*pod.spec.volumes, volume]},
    ]
    for index, container in enumerate(pod.spec.containers):
        here = f"/spec/containers/{index}"
        command = ["/.initshim/init", "--", *(container.command or IMAGES[container.image])]
        mount = {"name": "initshim", "mountPath": "/.initshim", "readOnly": True}
        mounts = [*container.volumeMounts, mount]
        operations += [
            {"op": "add", "path": f"{here}/command", "value": command},
            {"op": "add", "path": f"{here}/volumeMounts", "value": mounts},
        ]
    names = [container.name for container in pod.spec.containers]
    status = {**pod.metadata.annotations, "initshim.dev/status": json.dumps({"wrapped": names})}
    return [*operations, {"op": "add", "path": "/metadata/annotations", "value": status}]


if __name__ == "__main__":
    serve(app)
