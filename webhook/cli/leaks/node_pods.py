"""The pods that look at nodes: what they are, before anything is asked of a cluster. No I/O."""

from collections.abc import Iterable

from webhook.core.pod import Json

LABEL = "initshim.dev/leaks"
"""On every census pod, with the run's id: to sweep by."""
_NAME = "initshim-leaks"
_OVERHEAD = 60  # seconds for the image to be pulled and the pod to start
_PRIVILEGED = {"pod-security.kubernetes.io/enforce": "privileged"}


def census_pod(*, node: str, run: str, namespace: str, image: str, seconds: int) -> Json:
    """Give the pod that counts on one node.

    hostPID shows it the node's processes; everything else is taken from it: root, capabilities,
    network identity, a token, a writable file. It ends by itself after `seconds` and some time to
    start, even if nobody comes back for it.
    """
    name = f"{_NAME}-{run}-{_short(node)}"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {
                "app.kubernetes.io/name": _NAME,
                LABEL: run,
                "initshim.dev/inject": "false",
            },
        },
        "spec": {
            "nodeName": node,
            "hostPID": True,
            "restartPolicy": "Never",
            "activeDeadlineSeconds": seconds + _OVERHEAD,
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "tolerations": [{"operator": "Exists"}],
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "runAsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "census",
                    "image": image,
                    "command": ["/census", "--watch", str(seconds)],
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                        "readOnlyRootFilesystem": True,
                    },
                    "resources": {
                        "requests": {"cpu": "10m", "memory": "16Mi"},
                        "limits": {"memory": "32Mi"},
                    },
                }
            ],
        },
    }


def _short(node: str) -> str:
    """Give so much of a node's name as keeps the pod's within a DNS label, told apart by a sum."""
    plain = "".join(each if each.isalnum() else "-" for each in node.lower())
    if len(plain) <= 32 and plain == node:
        return plain.strip("-")
    code = 0
    for byte in node.encode():
        code = (code * 31 + byte) & 0xFFFFFF
    return f"{plain[:24].strip('-')}-{code:06x}"


def namespace_manifest(name: str) -> Json:
    """Give the namespace for them: Pod Security must be `privileged`, since they use hostPID."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/name": _NAME, **_PRIVILEGED}},
    }


def admits_host_pid(namespace: Json) -> bool:
    """Tell whether the namespace's own label lets a pod with hostPID in."""
    labels = (namespace.get("metadata") or {}).get("labels") or {}
    enforced = labels.get("pod-security.kubernetes.io/enforce", "privileged")
    return str(enforced) == "privileged"


def usable(nodes: Iterable[Json], wanted: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """Give the nodes that can be looked at, and why the others can't be.

    `wanted` names nodes; none means all. A node that was named and isn't there is among the others.
    """
    names = set(wanted)
    fit: list[str] = []
    unfit = dict.fromkeys(names, "there is no such node")
    for node in nodes:
        metadata, status = node.get("metadata") or {}, node.get("status") or {}
        name = str(metadata.get("name"))
        if names and name not in names:
            continue
        unfit.pop(name, None)
        ready = {each.get("type"): each.get("status") for each in status.get("conditions") or ()}
        system = (metadata.get("labels") or {}).get("kubernetes.io/os", "linux")
        if system != "linux":
            unfit[name] = f"it runs {system}"
        elif ready.get("Ready") != "True":
            unfit[name] = "it is not ready"
        else:
            fit.append(name)
    return sorted(fit), unfit
