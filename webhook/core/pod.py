"""A pod as the engine reads it: typed once when it is decoded, counted, and not looked up again.

A field of a wrong type raises BadPod with the field's place, and so does a pod out of all
proportion. `raw` is the JSON that came, for whoever applies a patch to it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from webhook.core import schema
from webhook.core.container import LONGEST_NAME, Container, check_containers, containers_of
from webhook.core.errors import BadPod
from webhook.core.schema import OwnerReference, Volume

Json = dict[str, Any]

# Pods come here before the API server validates them: what it would refuse in the end must not
# keep every other pod waiting. No kubelet runs as many containers, or mounts as many volumes; the
# size is the API server's own limit (TotalAnnotationSizeLimitB in
# k8s.io/apimachinery/pkg/api/validation).
MOST_CONTAINERS = 256
MOST_VOLUMES = 4096
LARGEST_ANNOTATIONS = 256 << 10
_LONGEST_OWNER = 253  # characters of an object's name: a DNS subdomain

_NO_METADATA = schema.Metadata()
_NO_SPEC = schema.Spec()


class Pod:
    """A pod, or a pod template: `metadata` and `spec`, empty ones where it has none."""

    __slots__ = (
        "_raw",
        "_variables",
        "_with_variables",
        "annotations",
        "containers",
        "has_metadata",
        "labels",
        "metadata",
        "spec",
        "volumes",
    )

    def __init__(
        self,
        raw: Json | Callable[[], Json],
        fields: schema.Pod | None = None,
        variables: Callable[[], schema.PodVariables] | None = None,
    ) -> None:
        """`fields` where it is decoded already; `raw` may then be what gives the JSON.

        `variables` gives those of its containers, where somebody knows a shorter way than `raw`.
        Raises BadPod.
        """
        if fields is None:
            fields = read_fields(raw)
        self._raw = raw
        self._variables = variables
        self._with_variables: schema.PodVariables | None = None
        self.has_metadata = fields.metadata is not None
        self.metadata = metadata = fields.metadata or _NO_METADATA
        self.spec = spec = fields.spec or _NO_SPEC
        self.annotations: Mapping[str, str] = metadata.annotations or {}
        self.labels: Mapping[str, str] = metadata.labels or {}
        self.volumes: Sequence[Volume] = spec.volumes or ()
        _check_size(spec, self.annotations)
        # Every container: the app containers first, as `kubectl describe` counts them.
        containers = containers_of("containers", spec.containers or ())
        if spec.init_containers:
            containers += containers_of("initContainers", spec.init_containers)
        self.containers: Sequence[Container] = containers
        check_containers(containers)

    @property
    def raw(self) -> Json:
        """The JSON that came; a review's is decoded anew, whole, each time."""
        raw = self._raw
        return raw if isinstance(raw, dict) else raw()

    def variables(self, container: Container) -> list[str]:
        """Give the names of the variables that it gives a container. Raises BadPod."""
        if self._with_variables is None:
            self._with_variables = (
                self._variables() if self._variables else read_variables(self.raw)
            )
        spec = self._with_variables.spec
        if spec is None:
            return []
        of_init = container.field == "initContainers"
        listed = (spec.init_containers if of_init else spec.containers) or ()
        if container.index >= len(listed):
            return []
        return [each.name for each in listed[container.index].env or () if each.name]

    @property
    def pull_secrets(self) -> tuple[str, ...]:
        """The names of its imagePullSecrets, in order."""
        return tuple(each.name for each in self.spec.image_pull_secrets or () if each.name)

    @property
    def service_account(self) -> str:
        """Its service account; `default` where it names none."""
        return self.spec.service_account_name or "default"

    @property
    def controller(self) -> OwnerReference:
        """The owner reference of the controller that makes it, an empty one where a person did."""
        return self.metadata.controller

    @property
    def owner(self) -> str:
        """`Kind/name` of the controller that makes it, or ""."""
        owner = self.controller
        if not owner.controller:
            return ""
        return f"{(owner.kind or '')[:LONGEST_NAME]}/{(owner.name or '')[:_LONGEST_OWNER]}"

    @property
    def architectures(self) -> frozenset[str]:
        """The CPU architectures that the pod asks for; empty where it leaves that open."""
        return self.required_labels("kubernetes.io/arch")

    def required_labels(self, label: str) -> frozenset[str]:
        """Give the values that a node's label may have for the pod; empty where that is open.

        The label in the node selector, else in the required node affinity, where the terms
        are alternatives (OR) and each must name values.
        """
        chosen = (self.spec.node_selector or {}).get(label)
        if chosen:
            return frozenset({chosen})
        affinity = self.spec.affinity and self.spec.affinity.node_affinity
        required = affinity and affinity.required_during_scheduling_ignored_during_execution
        if not required:
            return frozenset()
        allowed = [_allowed_by_term(term, label) for term in required.node_selector_terms or ()]
        return frozenset().union(*allowed) if allowed and all(allowed) else frozenset()


def read_fields(raw: Any) -> schema.Pod:
    """Give the fields of a pod's JSON. Raises BadPod for a field of a wrong type."""
    try:
        return msgspec.convert(raw, schema.Pod)
    except msgspec.ValidationError as error:
        raise schema.wrong_type(error) from None


def read_variables(raw: Any) -> schema.PodVariables:
    """Give the variables of a pod's JSON. Raises BadPod for a field of a wrong type."""
    try:
        return msgspec.convert(raw, schema.PodVariables)
    except msgspec.ValidationError as error:
        raise schema.wrong_type(error) from None


def _check_size(spec: schema.Spec, annotations: Mapping[str, str]) -> None:
    containers = len(spec.containers or ()) + len(spec.init_containers or ())
    if containers > MOST_CONTAINERS:
        raise BadPod(f"it has {containers} containers, more than {MOST_CONTAINERS}")
    volumes = len(spec.volumes or ())
    if volumes > MOST_VOLUMES:
        raise BadPod(f"it has {volumes} volumes, more than {MOST_VOLUMES}")
    size = sum(map(len, annotations)) + sum(map(len, annotations.values()))
    if size > LARGEST_ANNOTATIONS:
        raise BadPod(f"its annotations are larger than {LARGEST_ANNOTATIONS} bytes")


def _allowed_by_term(term: schema.Term, label: str) -> frozenset[str]:
    """Give the values that one node selector term allows: its expressions must all hold (AND)."""
    allowed: frozenset[str] | None = None
    for rule in term.match_expressions or ():
        if rule.key == label and rule.operator == "In":
            values = frozenset(rule.values or ())
            allowed = values if allowed is None else allowed & values
    return allowed or frozenset()
