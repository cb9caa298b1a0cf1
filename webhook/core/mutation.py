"""The new pod, from the pod and its plan. Applied to its own result it changes nothing.

What is not changed is shared with the pod that came in; nothing that came in is altered.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webhook.core.annotations import STATUS
from webhook.core.argv import INIT, MOUNT, wrap
from webhook.core.pod import TERMINATION_LOG, Container, Json, Pod, mapping
from webhook.core.policy import (
    NAME,
    Decision,
    Plan,
    Skip,
    Wrap,
    is_our_mount,
    is_our_volume,
    is_ours,
)
from webhook.core.reasons import Reason

_COPIED_RESOURCES = ("cpu", "memory", "ephemeral-storage")
_NUMERIC_USER = 65532
_written = json.JSONEncoder(separators=(",", ":")).encode
_READ_ONLY_MOUNT = {"name": NAME, "mountPath": MOUNT, "readOnly": True}
_TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105  # where, not what


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the reaper gets into a pod.

    `image` is the reaper's image. `as_volume` mounts that image itself (Kubernetes 1.35 and
    later) where otherwise an init container copies the reaper into a memory volume.
    """

    image: str
    version: str
    pull_policy: str = "IfNotPresent"
    as_volume: bool = False


def apply(pod: Pod, plan: Plan, delivery: Delivery) -> Json:
    """Give the pod with every Wrap of the plan carried out; the same object if there is none.

    Containers that are wrapped already get back what they may have lost: mount, volume and
    init container. A NeedsImage still in the plan counts as left alone.
    """
    through = [decision.container for decision in plan.decisions if _runs_through(decision)]
    if not through:
        return pod.raw
    spec: Json = dict(pod.spec)
    for field in {container.field for container in through}:
        spec[field] = list(spec[field])
    for decision in filter(_runs_through, plan.decisions):
        container = decision.container
        spec[container.field][container.index] = _through(decision, plan.options)
    if not any(map(is_our_volume, pod.volumes)):
        spec["volumes"] = [*pod.volumes, _volume(delivery)]
    if any(map(is_ours, pod.containers)):
        _put_right(spec, pod, through)
    elif not _is_image_volume(spec["volumes"]):
        first = _init_container(through[0], delivery, mapping(spec, "securityContext", "spec"))
        spec["initContainers"] = [first, *(spec.get("initContainers") or ())]
    metadata = _with_status(pod, plan, delivery.version, changed=spec != pod.spec)
    return {**pod.raw, "metadata": metadata, "spec": spec}


def _runs_through(decision: Decision) -> bool:
    """Tell whether the container runs through the reaper, once the plan is carried out."""
    already = isinstance(decision, Skip) and decision.reason is Reason.ALREADY_WRAPPED
    return already or isinstance(decision, Wrap)


def _through(decision: Decision, options: tuple[str, ...]) -> Json:
    """The container, run through the reaper, with the mount that it needs for that."""
    container = decision.container
    raw = _wrapped(decision, options) if isinstance(decision, Wrap) else container.raw
    if any(map(is_our_mount, container.mounts)):
        return raw
    return {**raw, "volumeMounts": [*container.mounts, dict(_READ_ONLY_MOUNT)]}


def _wrapped(decision: Wrap, options: tuple[str, ...]) -> Json:
    container = decision.container
    if container.termination_path != TERMINATION_LOG:
        options = (*options, "-t", container.termination_path)
    argv = wrap(container.command, container.args, decision.image, options=options)
    rewritten: Json = {**container.raw, "command": list(argv.command)}
    if argv.args is not None:
        rewritten["args"] = list(argv.args)
    return rewritten


def _volume(delivery: Delivery) -> Json:
    """The volume: in memory, so that it neither pins the pod to its node nor is `noexec`."""
    if delivery.as_volume:
        image = {"reference": delivery.image, "pullPolicy": delivery.pull_policy}
        return {"name": NAME, "image": image}
    return {"name": NAME, "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}


def _is_image_volume(volumes: Sequence[Json]) -> bool:
    return any(volume.get("name") == NAME and volume.get("image") for volume in volumes)


def _init_container(
    wrapped: Container, delivery: Delivery, pod_security: Mapping[str, Any]
) -> Json:
    """The container that copies the reaper: first of all, and within Pod Security `restricted`.

    It asks for what the first wrapped container asks for, so that the pod's effective request,
    QoS class, LimitRange ratios and quota stay as they were.
    """
    security: Json = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if pod_security.get("runAsUser") == 0:
        security["runAsUser"] = _NUMERIC_USER
    return {
        "name": NAME,
        "image": delivery.image,
        "imagePullPolicy": delivery.pull_policy,
        "command": ["/init", "--install", INIT],
        **_resources(wrapped),
        "securityContext": security,
        "volumeMounts": [{"name": NAME, "mountPath": MOUNT}, *_in_place_of_a_token(wrapped)],
    }


def _in_place_of_a_token(wrapped: Container) -> list[Json]:
    """Our own volume where the pod's token would be mounted into our container, which needs none.

    The API server's ServiceAccount plugin runs again after a webhook that changed the pod. It
    mounts the token into every container with nothing at that path, ours among them, and that
    change has the whole pod reviewed once more (`reinvocationPolicy: IfNeeded`).
    """
    if not any(mount.get("mountPath") == _TOKEN_PATH for mount in wrapped.mounts):
        return []
    return [{"name": NAME, "mountPath": _TOKEN_PATH, "readOnly": True}]


def _put_right(spec: Json, pod: Pod, through: Sequence[Container]) -> None:
    """Mend our init container after what later webhooks did to the pod.

    It has to stand before every init container that runs through the reaper (a mesh puts its
    native sidecar first), and to ask for what the first wrapped container asks for now.
    """
    inits = list(spec["initContainers"])
    ours = next(filter(is_ours, pod.containers))
    resources = _resources(through[0])
    if _resources(ours) != resources:
        inits[ours.index] = {**ours.raw, "resources": resources.get("resources", {})}
    if any(each.field == ours.field and each.index < ours.index for each in through):
        inits.insert(0, inits.pop(ours.index))
    if inits != spec["initContainers"]:
        spec["initContainers"] = inits


def _resources(container: Container) -> Json:
    asked = mapping(container.raw, "resources", container.path)
    copied: Json = {}
    for kind in ("limits", "requests"):
        amounts = mapping(asked, kind, f"{container.path}.resources")
        kept = {name: amounts[name] for name in _COPIED_RESOURCES if name in amounts}
        if kept:
            copied[kind] = kept
    return {"resources": copied} if copied else {}


def _with_status(pod: Pod, plan: Plan, version: str, *, changed: bool) -> Mapping[str, Any]:
    """Metadata with the status annotation; an unchanged pod keeps the version that made it."""
    wrapped = [each.container.name for each in plan.decisions if _runs_through(each)]
    skipped = {
        each.container.name: each.reason
        for each in plan.decisions
        if isinstance(each, Skip) and not _runs_through(each)
    }
    status: Json = {"version": version, "wrapped": wrapped, "skipped": skipped}
    if not changed and _says_the_same(pod.annotations.get(STATUS), status):
        return pod.metadata
    return {**pod.metadata, "annotations": {**pod.annotations, STATUS: _written(status)}}


def _says_the_same(written: str | None, status: Json) -> bool:
    try:
        said = json.loads(written or "")
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and {**said, "version": ""} == {**status, "version": ""}
