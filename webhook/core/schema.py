"""The fields of a pod that are read, and their types; whatever else is in it is skipped undecoded.

The names are those of k8s.io/api/core/v1. JSON null counts as absent, as it does to the API
server. No field takes a value of any type: so what a decoded pod weighs has a bound, whatever
somebody put into it. What holds nothing but strings is left to reference counting (`gc=False`).
"""

import re

import msgspec
from msgspec import Struct, field

from webhook.core.errors import BadPod

Quantity = str | int | float | None  # null is 0 to the API server


class Named(Struct, frozen=True, gc=False):
    """Something whose name alone is read."""

    name: str | None = None


class Mount(Struct, frozen=True, gc=False, rename="camel"):
    """A volume mount."""

    name: str | None = None
    mount_path: str | None = None


class Device(Struct, frozen=True, gc=False, rename="camel"):
    """A block device in a container."""

    device_path: str | None = None


class Resources(Struct, frozen=True):
    """What a container asks for."""

    limits: dict[str, Quantity] | None = None
    requests: dict[str, Quantity] | None = None


class WindowsOptions(Struct, frozen=True, gc=False, rename="camel"):
    """What only Windows knows."""

    host_process: bool | None = None


class Security(Struct, frozen=True, rename="camel"):
    """A container's security context."""

    windows_options: WindowsOptions | None = None


class Exec(Struct, frozen=True, gc=False):
    """A command that the kubelet runs in a container."""

    command: list[str] | None = None


class Handler(Struct, frozen=True):
    """A probe or a hook; of the ways to ask, only a command is read."""

    exec: Exec | None = None


class Lifecycle(Struct, frozen=True, rename="camel"):
    """A container's hooks, and the signal that is to end it."""

    post_start: Handler | None = None
    pre_stop: Handler | None = None
    stop_signal: str | None = None


class Container(Struct, frozen=True, rename="camel"):
    """An app container, or an init container."""

    name: str | None = None
    image: str | None = None
    command: list[str] | None = None
    args: list[str] | None = None
    volume_mounts: list[Mount] | None = None
    volume_devices: list[Device] | None = None
    image_pull_policy: str | None = None
    termination_message_path: str | None = None
    restart_policy: str | None = None
    resources: Resources | None = None
    security_context: Security | None = None
    liveness_probe: Handler | None = None
    readiness_probe: Handler | None = None
    startup_probe: Handler | None = None
    lifecycle: Lifecycle | None = None


class EmptyDir(Struct, frozen=True, gc=False):
    """A directory of the pod's own."""

    medium: str | None = None


class ImageVolume(Struct, frozen=True, gc=False):
    """An image that is mounted; that it is one is all that is read."""

    reference: str | None = None


class Volume(Struct, frozen=True, rename="camel"):
    """A volume."""

    name: str | None = None
    empty_dir: EmptyDir | None = None
    image: ImageVolume | None = None


class Requirement(Struct, frozen=True):
    """One requirement of a node selector's term."""

    key: str | None = None
    operator: str | None = None
    values: list[str] | None = None


class Term(Struct, frozen=True, rename="camel"):
    """A node selector's term: all its requirements must hold."""

    match_expressions: list[Requirement] | None = None
    match_fields: list[Requirement] | None = None


class NodeSelector(Struct, frozen=True, rename="camel"):
    """A node selector: one of its terms must hold."""

    node_selector_terms: list[Term] | None = None


class NodeAffinity(Struct, frozen=True, rename="camel"):
    """What a node must be, and what it had better be."""

    required_during_scheduling_ignored_during_execution: NodeSelector | None = None


class Affinity(Struct, frozen=True, rename="camel"):
    """Where a pod is to run."""

    node_affinity: NodeAffinity | None = None


class PodSecurity(Security, frozen=True, rename="camel"):
    """A pod's security context."""

    run_as_user: int | None = None


class ReadinessGate(Struct, frozen=True, gc=False, rename="camel"):
    """A condition without which the pod is not ready."""

    condition_type: str | None = None


class Spec(Struct, frozen=True, rename="camel"):
    """A pod's spec."""

    containers: list[Container] | None = None
    init_containers: list[Container] | None = None
    ephemeral_containers: list[Named] | None = None
    volumes: list[Volume] | None = None
    os: Named | None = None
    node_selector: dict[str, str] | None = None
    affinity: Affinity | None = None
    host_pid: bool | None = field(default=None, name="hostPID")
    share_process_namespace: bool | None = None
    host_users: bool | None = None
    runtime_class_name: str | None = None
    image_pull_secrets: list[Named] | None = None
    service_account_name: str | None = None
    security_context: PodSecurity | None = None
    readiness_gates: list[ReadinessGate] | None = None


class OwnerReference(Struct, frozen=True, gc=False, rename="camel"):
    """Who made a pod."""

    api_version: str | None = None
    kind: str | None = None
    name: str | None = None
    uid: str | None = None
    controller: bool | None = None


_NO_OWNER = OwnerReference()


class Metadata(Struct, frozen=True, rename="camel"):
    """A pod's metadata."""

    name: str | None = None
    generate_name: str | None = None
    namespace: str | None = None
    annotations: dict[str, str] | None = None
    labels: dict[str, str] | None = None
    owner_references: list[OwnerReference] | None = None

    @property
    def controller(self) -> OwnerReference:
        """The owner reference of the controller that made it; an empty one where there is none."""
        for owner in self.owner_references or ():
            if owner.controller:
                return owner
        return _NO_OWNER


class Pod(Struct, frozen=True):
    """A pod, or a pod template."""

    metadata: Metadata | None = None
    spec: Spec | None = None

    @property
    def name(self) -> str:
        """Its name, or the prefix that the API server will make one from."""
        metadata = self.metadata
        return (metadata.name or metadata.generate_name or "") if metadata else ""


class ContainerVariables(Struct, frozen=True):
    """Of a container the names of its variables alone; they are asked for seldom."""

    env: list[Named] | None = None


class SpecVariables(Struct, frozen=True, rename="camel"):
    """The variables of all containers of a spec."""

    containers: list[ContainerVariables] | None = None
    init_containers: list[ContainerVariables] | None = None


class PodVariables(Struct, frozen=True):
    """The variables of all containers of a pod."""

    spec: SpecVariables | None = None


class Nothing(Struct, frozen=True, gc=False):
    """An object of which nothing is read: it is one, and that is all."""


_MISMATCH = re.compile(r"Expected `(?P<wanted>.*?)`, got `(?P<found>.*?)`(?: - at `\$(?P<at>.*)`)?")
_IN_WORDS = {
    "object": "an object", "array": "a list", "str": "a string", "bool": "a boolean",
    "int": "a number", "float": "a number", "null": "null",
}  # fmt: skip
_LISTS_OF_STRINGS = ("command", "args", "values")


def wrong_type(error: msgspec.ValidationError, *, within: str = "") -> BadPod:
    """Say which field of a pod has a wrong type; `within` is the pod's place in what was decoded.

    msgspec's own sentence is what there is of the place: nothing else of the error has it.
    """
    found = _MISMATCH.match(str(error))
    if not found:
        return BadPod(f"its JSON is not a pod's: {error}")
    path = (found["at"] or "").removeprefix(within).removeprefix(".")
    wanted = found["wanted"].partition(" ")[0]
    if path.endswith("]") and not path.endswith("[...]"):  # an item: so the list is wrong
        items = "objects" if wanted == "object" else "strings"
        return BadPod(f"{path[: path.rindex('[')]} must be a list of {items}")
    if wanted == "array":
        items = "strings" if path.endswith(_LISTS_OF_STRINGS) else "objects"
        return BadPod(f"{path} must be a list of {items}")
    place = path if "." in path else f"pod.{path}" if path else "the pod"
    return BadPod(f"{place} must be {_in_words(wanted)}, not {_in_words(found['found'])}")


def _in_words(kind: str) -> str:
    return _IN_WORDS.get(kind, kind)
