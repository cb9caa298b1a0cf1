"""The pod that is created in a dry run, and what the webhook or the policy wrote on it."""

import json
from collections.abc import Sequence

from webhook.core.annotations import OPTIONS, STATUS
from webhook.core.argv import INIT
from webhook.kube.objects import Json

NAME = "initshim-doctor"
_COMMANDED = "probe"
ASKED = "asked"


def pod(image: str, *, asked: str = "", secrets: Sequence[Json] = (), account: str = "") -> Json:
    """Give a pod that every namespace lets in: small, restricted, with a command.

    With `asked` it has a second container, of that image and without a command: only the image's
    registry can tell what it runs. Nothing of it ever starts.
    """
    containers = [_container(_COMMANDED, image) | {"command": ["/initshim-doctor"]}]
    if asked:
        containers.append(_container(ASKED, asked))
    spec: Json = {
        "automountServiceAccountToken": False,
        "restartPolicy": "Never",
        "securityContext": {
            "runAsNonRoot": True,  # and no runAsUser: OpenShift gives the range
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": containers,
    }
    if secrets:
        spec["imagePullSecrets"] = list(secrets)
    if account:
        spec["serviceAccountName"] = account
    return {"spec": spec}


def for_webhook(image: str) -> Json:
    """Give such a pod that the admission policy leaves to the webhook, whole: options in quotes."""
    return {"metadata": {"annotations": {OPTIONS: "'-v'"}}, **pod(image)}


def for_policy(image: str) -> Json:
    """Give such a pod that tells who wrapped it: of its hook the webhook warns.

    The policy, which can't warn, does not; and where it wrapped the pod, nobody asks the webhook.
    """
    made = pod(image)
    looks = {"preStop": {"exec": {"command": ["cat", "/proc/1/comm"]}}}
    made["spec"]["containers"][0]["lifecycle"] = looks
    return made


def is_warned_of(warnings: Sequence[str]) -> bool:
    """Tell whether the webhook said something, so that it was asked."""
    return any(each.startswith("initshim") for each in warnings)


def is_wrapped(created: Json) -> bool:
    """Tell whether the container with a command runs through the reaper."""
    for container in (created.get("spec") or {}).get("containers") or ():
        if container.get("name") == _COMMANDED:
            return (container.get("command") or [])[:1] == [INIT]
    return False


def version(created: Json) -> str:
    """Give the version that was written into the pod's status, "" without one."""
    return str(_status(created).get("version") or "")


def outcome(created: Json) -> str:
    """What became of the container without a command: "wrapped", a reason, or "" if nothing."""
    status = _status(created)
    if ASKED in (status.get("wrapped") or ()):
        return "wrapped"
    return str((status.get("skipped") or {}).get(ASKED) or "")


def _status(created: Json) -> Json:
    written = ((created.get("metadata") or {}).get("annotations") or {}).get(STATUS)
    try:
        status = json.loads(written or "{}")
    except ValueError:
        return {}
    return status if isinstance(status, dict) else {}


def _container(name: str, image: str) -> Json:
    return {
        "name": name,
        "image": image,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "resources": {
            "requests": {"cpu": "1m", "memory": "4Mi", "ephemeral-storage": "1Mi"},
            "limits": {"cpu": "10m", "memory": "16Mi", "ephemeral-storage": "4Mi"},
        },
    }
