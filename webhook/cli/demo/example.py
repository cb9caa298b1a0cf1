"""The example: a deployment that leaks, its pod as the controllers make it, and the review.

What is added to the template is what the ReplicaSet controller, the API server's defaults and
the service account's admission plugin add before a webhook is asked.
"""

from importlib.resources import files
from typing import Any

from webhook.cli.manifest import from_yaml
from webhook.core.pod import Json

_HASH = "7d9c6b8f5d"
_TOKEN = "kube-api-access-x7k2p"  # noqa: S105  # the name of a volume
_CONTAINER_DEFAULTS = {
    "imagePullPolicy": "IfNotPresent",
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "volumeMounts": [
        {
            "name": _TOKEN,
            "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
            "readOnly": True,
        }
    ],
}
_SPEC_DEFAULTS = {
    "dnsPolicy": "ClusterFirst",
    "enableServiceLinks": True,
    "restartPolicy": "Always",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "serviceAccountName": "default",
    "terminationGracePeriodSeconds": 30,
    "volumes": [
        {
            "name": _TOKEN,
            "projected": {
                "defaultMode": 420,
                "sources": [{"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}],
            },
        }
    ],
}


def deployment() -> Json:
    """Read the example's manifest, which comes with the package."""
    text = files(__package__).joinpath("leaky.yaml").read_text(encoding="utf-8")
    read: Json = from_yaml.parse(text)[0].content()
    return read


def created_pod(made_by: Json) -> Json:
    """Make the pod that a deployment's ReplicaSet creates, as a webhook gets to see it."""
    name, namespace = made_by["metadata"]["name"], made_by["metadata"]["namespace"]
    template: Json = made_by["spec"]["template"]
    spec: Json = template["spec"]
    owner = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": f"{name}-{_HASH}",
        "uid": "5a4b3c2d-0000-4000-8000-000000000000",
        "controller": True,
        "blockOwnerDeletion": True,
    }
    metadata = {
        "generateName": f"{name}-{_HASH}-",
        "namespace": namespace,
        "labels": {**template["metadata"]["labels"], "pod-template-hash": _HASH},
        "ownerReferences": [owner],
    }
    containers = [{**each, **_CONTAINER_DEFAULTS} for each in spec["containers"]]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {**spec, "containers": containers, **_SPEC_DEFAULTS},
    }


def review(pod: Json, uid: str) -> Json:
    """Wrap a pod into the AdmissionReview that the API server sends for its creation."""
    resource = {"group": "", "version": "v1", "resource": "pods"}
    kind = {"group": "", "version": "v1", "kind": "Pod"}
    user: dict[str, Any] = {
        "username": "system:serviceaccount:kube-system:replicaset-controller",
        "groups": ["system:serviceaccounts", "system:authenticated"],
    }
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": uid,
            "kind": kind,
            "resource": resource,
            "requestKind": kind,
            "requestResource": resource,
            "namespace": pod["metadata"]["namespace"],
            "operation": "CREATE",
            "userInfo": user,
            "object": pod,
            "oldObject": None,
            "dryRun": False,
            "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"},
        },
    }
