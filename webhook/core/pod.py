"""Read-only views over a raw pod: the pod stays the JSON that the API server sent.

JSON null counts as absent, as it does to the API server. A field of a wrong type raises
BadPod with the field's path.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from webhook.core.errors import BadPod

Json = dict[str, Any]
Field = Literal["containers", "initContainers"]
TERMINATION_LOG = "/dev/termination-log"


def mapping(parent: Mapping[str, Any], key: str, where: str = "pod") -> Mapping[str, Any]:
    """Give an object field, {} where absent."""
    value = parent.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadPod(f"{where}.{key} must be an object, not {_kind(value)}")
    return value


def objects(parent: Mapping[str, Any], key: str, where: str = "pod") -> Sequence[Json]:
    """Give a field that is a list of objects, () where absent."""
    value = parent.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise BadPod(f"{where}.{key} must be a list of objects")
    return value


def strings(parent: Mapping[str, Any], key: str, where: str = "pod") -> Sequence[str]:
    """Give a field that is a list of strings, () where absent."""
    value = parent.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadPod(f"{where}.{key} must be a list of strings")
    return value


def string(parent: Mapping[str, Any], key: str, where: str = "pod") -> str:
    """Give a string field, "" where absent."""
    value = parent.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadPod(f"{where}.{key} must be a string, not {_kind(value)}")
    return value


def string_map(parent: Mapping[str, Any], key: str, where: str = "pod") -> Mapping[str, str]:
    """Give a field that maps strings to strings (annotations, labels), {} where absent."""
    value = mapping(parent, key, where)
    for name, text in value.items():
        if not isinstance(text, str):
            raise BadPod(f"{where}.{key}[{name}] must be a string, not {_kind(text)}")
    return value


def _kind(value: object) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string"}
    return names.get(type(value), "a list" if isinstance(value, list) else "an object")


@dataclass(frozen=True)
class Container:
    """One container, and where it stands in the pod's spec."""

    field: Field
    index: int
    raw: Json

    @cached_property
    def path(self) -> str:
        """Its place, for messages."""
        return f"spec.{self.field}[{self.index}]"

    @cached_property
    def name(self) -> str:
        """Its name; the API server makes sure that there is one, and that it is unique."""
        return string(self.raw, "name", self.path)

    @property
    def image(self) -> str:
        """The image reference as written."""
        return string(self.raw, "image", self.path)

    @cached_property
    def command(self) -> Sequence[str]:
        """The pod's own command; () for none, [] and null, which mean the same."""
        return strings(self.raw, "command", self.path)

    @cached_property
    def args(self) -> Sequence[str]:
        """The pod's own args; () for none, [] and null, which mean the same."""
        return strings(self.raw, "args", self.path)

    @cached_property
    def mounts(self) -> Sequence[Json]:
        """Its volume mounts."""
        return objects(self.raw, "volumeMounts", self.path)

    @property
    def pull_policy(self) -> str:
        """`Always`, `IfNotPresent`, `Never` or ""."""
        return string(self.raw, "imagePullPolicy", self.path)

    @property
    def termination_path(self) -> str:
        """Where the kubelet reads the container's last words."""
        return string(self.raw, "terminationMessagePath", self.path) or TERMINATION_LOG

    @property
    def runs_on(self) -> bool:
        """True for one that stays: an app container, or a native sidecar."""
        return self.field == "containers" or (
            string(self.raw, "restartPolicy", self.path) == "Always"
        )


@dataclass(frozen=True)
class Pod:
    """A pod, or a pod template: `metadata` and `spec`."""

    raw: Json

    @cached_property
    def metadata(self) -> Mapping[str, Any]:
        """The metadata."""
        return mapping(self.raw, "metadata")

    @cached_property
    def spec(self) -> Mapping[str, Any]:
        """The spec."""
        return mapping(self.raw, "spec")

    @cached_property
    def annotations(self) -> Mapping[str, str]:
        """The annotations."""
        return string_map(self.metadata, "annotations", "metadata")

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels."""
        return string_map(self.metadata, "labels", "metadata")

    @cached_property
    def containers(self) -> Sequence[Container]:
        """Every container: the app containers first, as `kubectl describe` counts them."""
        fields: tuple[Field, Field] = ("containers", "initContainers")
        return tuple(
            Container(field, index, raw)
            for field in fields
            for index, raw in enumerate(objects(self.spec, field, "spec"))
        )

    @cached_property
    def volumes(self) -> Sequence[Json]:
        """The volumes."""
        return objects(self.spec, "volumes", "spec")

    @property
    def node_selector(self) -> Mapping[str, str]:
        """The node selector."""
        return string_map(self.spec, "nodeSelector", "spec")

    @property
    def pull_secrets(self) -> tuple[str, ...]:
        """The names of its imagePullSecrets, in order."""
        secrets = objects(self.spec, "imagePullSecrets", "spec")
        names = (string(secret, "name", "spec.imagePullSecrets") for secret in secrets)
        return tuple(name for name in names if name)

    @property
    def service_account(self) -> str:
        """Its service account; `default` where it names none."""
        return string(self.spec, "serviceAccountName", "spec") or "default"

    @property
    def controller(self) -> Json:
        """The owner reference of the controller that makes it, {} where a person did."""
        owners = objects(self.metadata, "ownerReferences", "metadata")
        return next((owner for owner in owners if owner.get("controller")), {})

    @property
    def owner(self) -> str:
        """`Kind/name` of the controller that makes it, or ""."""
        made_by = self.controller
        return f"{made_by.get('kind', '')}/{made_by.get('name', '')}" if made_by else ""

    @property
    def architectures(self) -> frozenset[str]:
        """The CPU architectures that the pod asks for; empty where it leaves that open."""
        return self.required_labels("kubernetes.io/arch")

    def required_labels(self, label: str) -> frozenset[str]:
        """Give the values that a node's label may have for the pod; empty where that is open.

        The label in the node selector, else in the required node affinity, where the terms
        are alternatives (OR) and each must name values.
        """
        chosen = self.node_selector.get(label)
        if chosen:
            return frozenset({chosen})
        affinity = mapping(mapping(self.spec, "affinity", "spec"), "nodeAffinity", "spec.affinity")
        where = "spec.affinity.nodeAffinity"
        required = mapping(affinity, "requiredDuringSchedulingIgnoredDuringExecution", where)
        terms = objects(required, "nodeSelectorTerms", where)
        allowed = [_allowed_by_term(term, label) for term in terms]
        return frozenset().union(*allowed) if allowed and all(allowed) else frozenset()


def _allowed_by_term(term: Json, label: str) -> frozenset[str]:
    """Give the values that one node selector term allows: its expressions must all hold (AND)."""
    allowed: frozenset[str] | None = None
    for rule in objects(term, "matchExpressions", "nodeSelectorTerms"):
        if rule.get("key") == label and rule.get("operator") == "In":
            values = frozenset(strings(rule, "values", "matchExpressions"))
            allowed = values if allowed is None else allowed & values
    return allowed or frozenset()
