"""Reviews as the API server sends them, and its way of reading the answers."""

import base64
import json
from typing import Any

import jsonpatch

Json = dict[str, Any]

SECRET = "hunter2-in-the-environment"


def pod(**spec: Any) -> Json:
    """A Deployment's pod at its creation: no name yet, and what the API server has defaulted."""
    token = {"name": "kube-api-access-x7k2p", "projected": {"sources": [], "defaultMode": 420}}
    mount = {"name": "kube-api-access-x7k2p", "mountPath": "/var/run/secrets", "readOnly": True}
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "generateName": "shop-7d9c5b8f6-",
            "namespace": "shop",
            "labels": {"app": "shop", "pod-template-hash": "7d9c5b8f6"},
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": "ReplicaSet",
                    "name": "shop-7d9c5b8f6",
                    "uid": "8c1b7c52-6d4f-4f1e-8e0a-3b8d0c2f7a11",
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
            "managedFields": [{"manager": "kube-controller-manager", "operation": "Update"}],
        },
        "spec": {
            "volumes": [token],
            "containers": [
                {
                    "name": "app",
                    "image": "registry.example/shop:1.4",
                    "command": ["/app/server"],
                    "args": ["--port=8080"],
                    "env": [{"name": "PASSWORD", "value": SECRET}],
                    "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
                    "volumeMounts": [mount],
                    "terminationMessagePath": "/dev/termination-log",
                    "imagePullPolicy": "IfNotPresent",
                }
            ],
            "restartPolicy": "Always",
            "serviceAccountName": "default",
            "securityContext": {},
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists"}],
            **spec,
        },
        "status": {},
    }


def unresolved(name: str = "app") -> Json:
    """A container whose image alone tells what it runs."""
    return {"name": name, "image": "registry.example/shop:1.4"}


def review(
    what: Any = None,
    *,
    uid: str = "705ab4f5-6393-11e8-b7cc-42010a800002",
    operation: str = "CREATE",
    resource: str = "pods",
    **request: Any,
) -> Json:
    """The review of an object, a pod unless told otherwise."""
    kind = {"group": "", "version": "v1", "kind": "Pod"}
    reviewed = {"group": "", "version": "v1", "resource": resource}
    return {
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": uid,
            "kind": kind,
            "resource": reviewed,
            "requestKind": kind,
            "requestResource": reviewed,
            "namespace": "shop",
            "operation": operation,
            "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller"},
            "object": pod() if what is None else what,
            "oldObject": None,
            "dryRun": False,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
            **request,
        },
    }


def body(what: Any = None, **fields: Any) -> bytes:
    """The same as bytes."""
    return json.dumps(review(what, **fields)).encode()


def read(answer: bytes, uid: str | None = None) -> Json:
    """Give the response of an answer, having checked what the API server checks.

    Rules: `VerifyAdmissionResponse` in k8s.io/apiserver/pkg/admission/plugin/webhook/request, and
    the limits that its documentation asks for.
    """
    envelope = json.loads(answer)
    assert envelope["apiVersion"] == "admission.k8s.io/v1"
    assert envelope["kind"] == "AdmissionReview"
    response: Json = envelope["response"]
    assert isinstance(response["allowed"], bool)
    assert uid is None or response["uid"] == uid
    assert ("patch" in response) == ("patchType" in response)
    assert response.get("patchType", "JSONPatch") == "JSONPatch"
    warnings = response.get("warnings", [])
    assert all(0 < len(warning) <= 120 and warning.isprintable() for warning in warnings)
    assert sum(map(len, warnings)) <= 4096
    audit = response.get("auditAnnotations", {})
    assert all(isinstance(value, str) for value in audit.values())
    return response


def patched(before: Any, response: Json) -> Any:
    """Apply the answer's patch by another's library; the API server uses one as strict."""
    operations = json.loads(base64.b64decode(response["patch"], validate=True))
    assert operations, "no patch at all where nothing changes (semantics §5)"
    return jsonpatch.apply_patch(before, operations)
