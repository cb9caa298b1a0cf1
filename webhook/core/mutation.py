"""From a pod and its plan to the operations of the patch. A patched pod gets none.

Each operation's path leads to what was decoded: a member is added to an object that is there, an
item at an index of a list that was counted. What the pod holds beside that nobody has to know.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from webhook.core import image_config
from webhook.core.annotations import DEFAULT_CONTAINER, STATUS
from webhook.core.argv import INIT, MOUNT, wrap
from webhook.core.container import TERMINATION_LOG, Container
from webhook.core.errors import BadPod
from webhook.core.ours import NAME, has_our_mount, is_image_volume, is_our_volume, is_ours
from webhook.core.patch import Operation, Patch
from webhook.core.pod import Json, Pod
from webhook.core.policy import Decision, Plan, Skip, Wrap
from webhook.core.reasons import Reason

_write = msgspec.json.Encoder().encode
# Characters of ENTRYPOINTs and CMDs that a patch writes into one pod. etcd keeps 1.5 MiB of it.
LARGEST_ADDED = image_config.LONGEST
COPIED_RESOURCES = ("cpu", "memory", "ephemeral-storage")
NUMERIC_USER = 65532
_VERSION = re.compile(r'^\{"version":"[^"\\]*",')
_DELIVERY = re.compile(r',"delivery":"[A-Za-z]*"\}$')
READ_ONLY_MOUNT = {"name": NAME, "mountPath": MOUNT, "readOnly": True}
TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105  # where, not what
IN_PLACE_OF_A_TOKEN = {"name": NAME, "mountPath": TOKEN_PATH, "readOnly": True}
"""Our own volume where the pod's token would be mounted."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the reaper gets into a pod.

    `image` is the reaper's image. `as_volume` mounts that image itself (Kubernetes 1.35 and
    later) where otherwise an init container copies the reaper into a memory volume. `by_nodes`:
    that was decided by what the nodes can do, so the pod's status says what it got.
    """

    image: str
    version: str
    pull_policy: str = "IfNotPresent"
    as_volume: bool = False
    by_nodes: bool = False


def operations(pod: Pod, plan: Plan, delivery: Delivery) -> Patch:
    """Give what carries out every Wrap of the plan; nothing if there is none.

    Containers that are wrapped already get back what they may have lost: mount, volume and
    init container. A NeedsImage still in the plan counts as left alone. Raises BadPod where images
    add too much.
    """
    through = [decision for decision in plan.decisions if runs_through(decision)]
    if not through:
        return []
    _check_added(through)
    patch: Patch = []
    for decision in through:
        container = decision.container
        here = container.pointer
        if isinstance(decision, Wrap):
            _rewrite(patch, decision, here)
        if not has_our_mount(container):
            mount = dict(READ_ONLY_MOUNT)
            patch.append(_append(f"{here}/volumeMounts", len(container.mounts), mount))
    volume = next(filter(is_our_volume, pod.volumes), None)
    if volume is None:
        patch.append(_append("/spec/volumes", len(pod.volumes), our_volume(delivery)))
    as_volume = is_image_volume(volume) if volume else delivery.as_volume
    ours = next(filter(is_ours, pod.containers), None) if pod.spec.init_containers else None
    annotations = {}
    if ours:
        patch += _put_right(ours, [each.container for each in through])
    elif not as_volume:
        patch.append(_installed(pod, through[0].container, delivery))
        annotations = _default_container(pod)
    brought = ("imageVolume" if as_volume else "initContainer") if delivery.by_nodes else ""
    annotations |= _status(
        pod, plan, through, version=delivery.version, brought=brought, changed=bool(patch)
    )
    patch += _annotated(pod, annotations)
    return patch


def _check_added(through: Sequence[Decision]) -> None:
    """Raise BadPod where images add more than one pod should hold: many may name the same one."""
    added = 0
    for each in through:
        if isinstance(each, Wrap) and each.image:
            added += each.image.length
            if added > LARGEST_ADDED:
                raise BadPod(f"what its images run is longer than {LARGEST_ADDED >> 10} KiB in all")


def _append(place: str, length: int, value: Json) -> Operation:
    """Add an item to the end of a list of that length; an empty or absent one is made anew."""
    if not length:
        return {"op": "add", "path": place, "value": [value]}
    return {"op": "add", "path": f"{place}/{length}", "value": value}


def _installed(pod: Pod, wrapped: Container, delivery: Delivery) -> Operation:
    """Have the reaper copied before anything runs through it."""
    security = pod.spec.security_context
    as_root = security is not None and security.run_as_user == 0
    init = our_init_container(delivery)
    init |= _resources(wrapped)
    if as_root:
        init["securityContext"]["runAsUser"] = NUMERIC_USER
    if _gives_token(pod):
        init["volumeMounts"].append(dict(IN_PLACE_OF_A_TOKEN))
    if pod.spec.init_containers:
        return {"op": "add", "path": "/spec/initContainers/0", "value": init}
    return {"op": "add", "path": "/spec/initContainers", "value": [init]}


def runs_through(decision: Decision) -> bool:
    """Tell whether the container runs through the reaper, once the plan is carried out."""
    if isinstance(decision, Wrap):
        return True
    return isinstance(decision, Skip) and decision.reason is Reason.ALREADY_WRAPPED


def _rewrite(patch: Patch, decision: Wrap, here: str) -> None:
    container, options = decision.container, decision.options
    path = container.fields.termination_message_path
    if path and path != TERMINATION_LOG:
        options = (*options, "-t", path)
    argv = wrap(container.command, container.args, decision.image, options=options)
    patch.append({"op": "add", "path": f"{here}/command", "value": list(argv.command)})
    if argv.args is not None:
        patch.append({"op": "add", "path": f"{here}/args", "value": list(argv.args)})


def our_volume(delivery: Delivery) -> Json:
    """The volume: in memory, so that it neither pins the pod to its node nor is `noexec`."""
    if delivery.as_volume:
        image = {"reference": delivery.image, "pullPolicy": delivery.pull_policy}
        return {"name": NAME, "image": image}
    return {"name": NAME, "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}


def our_init_container(delivery: Delivery) -> Json:
    """The container that copies the reaper: first of all, and within Pod Security `restricted`.

    Besides, it asks for what the first wrapped container asks for, so that the pod's effective
    request, QoS class, LimitRange ratios and quota stay as they were.
    """
    return {
        "name": NAME,
        "image": delivery.image,
        "imagePullPolicy": delivery.pull_policy,
        "command": ["/init", "--install", INIT],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": [{"name": NAME, "mountPath": MOUNT}],
    }


def _gives_token(pod: Pod) -> bool:
    """Tell whether the pod's token would be mounted into our container, which needs none.

    The API server's ServiceAccount plugin runs again after a webhook that changed the pod. It
    mounts the token into every container with nothing at that path, ours among them, and that
    change has the whole pod reviewed once more (`reinvocationPolicy: IfNeeded`).
    """
    for container in pod.containers:
        for mount in container.mounts:
            if mount.mount_path == TOKEN_PATH:
                return True
    return False


def _put_right(ours: Container, through: Sequence[Container]) -> Patch:
    """Mend our init container after what later webhooks did to the pod.

    It has to stand before every init container that runs through the reaper (a mesh puts its
    native sidecar first), and to ask for what the first wrapped container asks for now.
    """
    patch: Patch = []
    resources = _resources(through[0])
    if _resources(ours) != resources:
        value = resources.get("resources", {})
        patch.append({"op": "add", "path": f"{ours.pointer}/resources", "value": value})
    if any(each.field == ours.field and each.index < ours.index for each in through):
        patch.append({"op": "move", "from": ours.pointer, "path": "/spec/initContainers/0"})
    return patch


def _resources(container: Container) -> Json:
    asked = container.fields.resources
    if asked is None:
        return {}
    copied: Json = {}
    for kind, amounts in (("limits", asked.limits), ("requests", asked.requests)):
        kept = amounts and {name: amounts[name] for name in COPIED_RESOURCES if name in amounts}
        if kept:
            copied[kind] = kept
    return {"resources": copied} if copied else {}


def _default_container(pod: Pod) -> dict[str, str]:
    """Name the one container of a pod that gets an init container, unless the pod names one.

    kubectl names the container that it takes, and all others, where a pod has more than one
    (k8s.io/kubectl podcmd): with our init container it would begin to.
    """
    if len(pod.containers) != 1 or DEFAULT_CONTAINER in pod.annotations:
        return {}
    return {DEFAULT_CONTAINER: pod.containers[0].name}


def _status(
    pod: Pod,
    plan: Plan,
    through: Sequence[Decision],
    *,
    version: str,
    brought: str,
    changed: bool,
) -> dict[str, str]:
    """The status annotation; an unchanged pod keeps what was written when it was made.

    `brought` is how the reaper came, where nodes decide it; else "".
    """
    wrapped = [each.container.name for each in through]
    skipped: dict[str, Reason] = {}
    if len(through) < len(plan.decisions):
        left = [each for each in plan.decisions if isinstance(each, Skip)]
        skipped = {each.container.name: each.reason for each in left if not runs_through(each)}
    said = _write({"wrapped": wrapped, "skipped": skipped}).decode()[1:]
    by = f'{said[:-1]},"delivery":"{brought}"}}' if brought else said
    text = f'{{"version":"{version}",{by}'
    written = pod.annotations.get(STATUS, "")
    if text == written or (not changed and _DELIVERY.sub("}", _VERSION.sub("", written)) == said):
        return {}
    return {STATUS: text}


def _annotated(pod: Pod, wanted: Mapping[str, str]) -> Patch:
    if not wanted:
        return []
    if pod.annotations:
        return [
            {"op": "add", "path": f"/metadata/annotations/{_escaped(key)}", "value": text}
            for key, text in wanted.items()
        ]
    annotations = dict(wanted)
    if pod.has_metadata:
        return [{"op": "add", "path": "/metadata/annotations", "value": annotations}]
    return [{"op": "add", "path": "/metadata", "value": {"annotations": annotations}}]


def _escaped(key: str) -> str:
    """Write a key as a part of a JSON Pointer (RFC 6901)."""
    return key.replace("/", "~1")
