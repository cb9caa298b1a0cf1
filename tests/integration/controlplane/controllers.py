"""What a cluster has around its pods, and what its controllers do; nobody else does it here."""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from tests.integration.controlplane.plane import ControlPlane

Json = dict[str, Any]
OPT_IN = {"initshim.dev/inject": "enabled"}
TOKEN_VOLUME = "kube-api-access-"
_OWN = ("uid", "creationTimestamp", "managedFields", "resourceVersion", "namespace")

_JOBS = tuple(
    f"{prefix}{key}"
    for prefix in ("", "batch.kubernetes.io/")
    for key in ("job-name", "controller-uid")
)


@dataclass(frozen=True, slots=True)
class Made:
    """What the API server answered to a create: the stored object, or why not; its warnings."""

    status: int
    body: Json
    warnings: tuple[str, ...]

    @property
    def pod(self) -> Json:
        """The object as it was stored."""
        assert self.status == 201, self.body
        return self.body


def namespace(plane: ControlPlane, name: str, **labels: str) -> str:
    """Make a namespace and its default service account, as the controller manager does."""
    body = {"metadata": {"name": name, "labels": labels}}
    made = plane.api.post("/api/v1/namespaces", json=body)
    assert made.status_code in (201, 409), made.text
    account(plane, name, "default")
    return name


def account(plane: ControlPlane, namespace: str, name: str, **more: object) -> None:
    """Make a service account, unless it is there."""
    body = {"metadata": {"name": name}, **more}
    made = plane.api.post(f"/api/v1/namespaces/{namespace}/serviceaccounts", json=body)
    assert made.status_code in (201, 409), made.text


def create(
    plane: ControlPlane, namespace: str, pod: Json, *, query: str = "", user: str = ""
) -> Made:
    """Create a pod, as administrator or as the user."""
    headers = {"Impersonate-User": user} if user else {}
    where = f"/api/v1/namespaces/{namespace}/pods{query}"
    return made(plane.api.post(where, json=pod, headers=headers))


def made(answer: httpx.Response) -> Made:
    """Read an answer; a warning header is `299 - "text"`."""
    warnings = tuple(
        each.split(" ", 2)[2][1:-1].replace('\\"', '"')
        for each in answer.headers.get_list("warning")
    )
    return Made(answer.status_code, answer.json(), warnings)


def fresh(pod: Json) -> Json:
    """Give a pod as a client sends it, without what only a server writes."""
    sent = copy.deepcopy(pod)
    sent.pop("status", None)
    for key in _OWN:
        sent["metadata"].pop(key, None)
    return sent


def template_of(pod: Json) -> Json:
    """Give the template that such a pod would come from: without the token that it was given."""
    sent = fresh(pod)
    metadata = {key: sent["metadata"].get(key) or {} for key in ("labels", "annotations")}
    for key in _JOBS:
        metadata["labels"].pop(key, None)
    spec = sent["spec"]
    spec["volumes"] = [v for v in spec.get("volumes") or () if TOKEN_VOLUME not in v["name"]]
    for each in (*(spec.get("initContainers") or ()), *spec["containers"]):
        mounts = each.get("volumeMounts") or ()
        each["volumeMounts"] = [m for m in mounts if TOKEN_VOLUME not in m["name"]]
    return {"metadata": metadata, "spec": spec}


def from_controller(plane: ControlPlane, namespace: str, name: str, template: Json) -> Made:
    """Do what the ReplicaSet's controller does, or the Job's where the pod runs to an end.

    It creates the pod of the stored template, named by the API server, with an owner reference,
    as the controller's own service account (GetPodFromTemplate in pkg/controller).
    """
    always = template["spec"].get("restartPolicy", "Always") == "Always"
    kind, root, plural = (
        ("ReplicaSet", "apps/v1", "replicasets") if always else ("Job", "batch/v1", "jobs")
    )
    labelled = copy.deepcopy(template)
    labelled["metadata"]["labels"]["from"] = name
    spec: Json = {"template": labelled}
    if always:
        spec |= {"replicas": 1, "selector": {"matchLabels": {"from": name}}}
    owner = plane.api.post(
        f"/apis/{root}/namespaces/{namespace}/{plural}",
        json={"metadata": {"name": name}, "spec": spec},
    )
    if owner.status_code != 201:
        return made(owner)
    stored = owner.json()
    reference = {
        "apiVersion": root, "kind": kind, "name": name, "uid": stored["metadata"]["uid"],
        "controller": True, "blockOwnerDeletion": True,
    }  # fmt: skip
    pod = stored["spec"]["template"]
    pod["metadata"] = {
        "generateName": f"{name}-",
        "labels": pod["metadata"].get("labels") or {},
        "annotations": pod["metadata"].get("annotations") or {},
        "ownerReferences": [reference],
    }
    actor = "replicaset-controller" if always else "job-controller"
    return create(plane, namespace, pod, user=f"system:serviceaccount:kube-system:{actor}")


def until(found: Callable[[], object], *, seconds: float = 30) -> None:
    """Wait for what an informer of the API server has yet to see."""
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, f"not so after {seconds:g} s"
        time.sleep(0.1)
