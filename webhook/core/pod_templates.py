"""Where the pods are inside manifests: pods themselves, templates, and lists of either."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from webhook.core.pod import Json

Path = tuple[str, ...]
TEMPLATE: Path = ("spec", "template")
# Kubernetes' kinds whose template is elsewhere than at TEMPLATE, where every other kind has it.
PATHS: Mapping[str, Path] = {
    "Pod": (),
    "PodTemplate": ("template",),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}


@dataclass(frozen=True, slots=True)
class PodTemplate:
    """A pod template, `pod`, and the object that it is in; a pod is its own."""

    kind: str
    name: str
    namespace: str
    pod: Json

    def __str__(self) -> str:
        return f"{self.kind}/{self.name or '(no name)'}"


def pod_templates(document: Any) -> Iterator[PodTemplate]:
    """Find every pod and pod template in a manifest; any kind with a template at its place.

    Custom resources are found by content: `spec.template.spec.containers` is a list. The items
    of the API's own lists (PodList, DeploymentList) need not say their kind.
    """
    return _pod_templates(document, "")


def _pod_templates(document: Any, listed: str) -> Iterator[PodTemplate]:
    if not isinstance(document, dict):
        return
    kind = str(document.get("kind") or listed)
    items = document.get("items")
    if kind.endswith("List") and isinstance(items, list):
        for item in items:
            yield from _pod_templates(item, kind.removesuffix("List"))
        return
    template = _follow(document, PATHS.get(kind, TEMPLATE))
    if template is not None and _makes_pods(template):
        metadata = document.get("metadata")
        named = metadata if isinstance(metadata, dict) else {}
        name = str(named.get("name") or named.get("generateName") or "")
        yield PodTemplate(kind, name, str(named.get("namespace") or ""), template)


def _follow(document: Json, path: Path) -> Json | None:
    node: Any = document
    for key in path:
        node = node.get(key) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else None


def _makes_pods(template: Json) -> bool:
    spec = template.get("spec")
    return isinstance(spec, dict) and isinstance(spec.get("containers"), list)
