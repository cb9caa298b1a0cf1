"""The pods and pod templates in a manifest's documents, and the objects that are left alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from webhook.cli.manifest.kinds import EVERY, LISTS, MERGED_BY_NAME, Kinds, Left
from webhook.core.pod import Json
from webhook.core.pod_templates import Path

Place = tuple[str | int, ...]
_PATCH = "$patch"
_BY_WEBHOOK = "its pods are wrapped by the webhook when they are created"


@dataclass(frozen=True, slots=True)
class Object:
    """What an object is called; `group` is that of its apiVersion."""

    kind: str
    group: str
    name: str
    namespace: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name or '(no name)'}"


@dataclass(frozen=True, slots=True)
class Template:
    """A pod or a pod template, the object that it is in, and its place in the document."""

    object: Object
    place: Place
    pod: Json


@dataclass(frozen=True, slots=True)
class Passed:
    """An object that is left alone whole: the reason's word, a sentence, and what to do."""

    object: Object
    reason: Left
    why: str
    remedy: str = ""


def pods(document: Any, kinds: Kinds) -> Iterator[Template | Passed]:
    """Find every pod and pod template of a document; objects without any are passed over."""
    yield from _pods(document, kinds, (), "")


def _pods(value: Any, kinds: Kinds, place: Place, listed: str) -> Iterator[Template | Passed]:
    """Look into an object; the items of the API's own lists (PodList) need not say their kind."""
    if not isinstance(value, dict):
        return
    found = _object(value, listed)
    items, inside = _items(value, found)
    if items is not None:
        for index, item in enumerate(items):
            kind = found.kind.removesuffix("List") if inside == "items" else ""
            yield from _pods(item, kinds, (*place, inside, index), kind)
        return
    if why := kinds.left_because(found.kind, found.group):
        yield Passed(found, Left.KIND, f"{why}; {_BY_WEBHOOK}")
        return
    templates = [
        (where, template)
        for path in kinds.paths_of(found.kind, found.group)
        for where, template in _follow(value, path, ())
        if _has_containers(template)
    ]
    if not found.kind:
        if templates:
            yield Passed(found, Left.NO_KIND, "it has no kind, so nobody knows what it is")
        return
    for where, template in templates:
        if why := _patch(found.kind, template):
            yield Passed(found, Left.PATCH, why)
        else:
            yield Template(found, (*place, *where), template)
    if not templates and (elsewhere := _search(value, ())) is not None:
        yield _no_template(found, elsewhere, kinds)


def _no_template(found: Object, elsewhere: Path, kinds: Kinds) -> Passed:
    tried = " or ".join(".".join(each) for each in kinds.paths_of(found.kind, found.group))
    named = f"{found.kind}.{found.group}" if found.group else found.kind
    return Passed(
        found,
        Left.NO_TEMPLATE,
        f"no pod template found in {tried}; {_BY_WEBHOOK}",
        f"if {'.'.join(elsewhere)} is one, add --template-path '{named}={'.'.join(elsewhere)}'",
    )


def _object(value: Json, listed: str) -> Object:
    metadata = value.get("metadata")
    named = metadata if isinstance(metadata, dict) else {}
    group, slash, _ = str(value.get("apiVersion") or "").rpartition("/")
    return Object(
        str(value.get("kind") or listed),
        group if slash else "",
        str(named.get("name") or named.get("generateName") or ""),
        str(named.get("namespace") or ""),
    )


def _items(value: Json, found: Object) -> tuple[list[Any] | None, str]:
    """Give the objects that a list holds, and the key that they are under."""
    key = LISTS.get(f"{found.kind}.{found.group}", "items" if found.kind.endswith("List") else "")
    items = value.get(key) if key else None
    return (items, key) if isinstance(items, list) else (None, "")


def _follow(value: Any, path: Path, done: Place) -> Iterator[tuple[Place, Json]]:
    """Give every object at a path, and its place."""
    if not path:
        if isinstance(value, dict):
            yield done, value
        return
    key, *rest = path
    parts: Any = ()
    if isinstance(value, dict):
        parts = value.items() if key == EVERY else [(key, value[key])] if key in value else ()
    elif isinstance(value, list) and key == EVERY:
        parts = enumerate(value)
    for at, part in parts:
        yield from _follow(part, tuple(rest), (*done, at))


def _has_containers(template: Json) -> bool:
    spec = template.get("spec")
    return isinstance(spec, dict) and isinstance(spec.get("containers"), list)


def _patch(kind: str, template: Json) -> str:
    """Tell why a template is a part of one, to be merged into another; "" for a whole one."""
    spec = template["spec"]
    listed = (spec.get(field) for field in ("containers", "initContainers"))
    containers = [each for part in listed if isinstance(part, list) for each in part]
    if any(_PATCH in each for each in (template, spec, *containers) if isinstance(each, dict)):
        return f"it has {_PATCH} in it: a strategic-merge patch, no pod"
    for each in containers if kind in MERGED_BY_NAME else ():
        if isinstance(each, dict) and not each.get("image"):
            name = each.get("name") or "(no name)"
            return f"container {name} has no image: a patch (kustomize), no pod"
    return ""


def _search(value: Any, path: Path) -> Path | None:
    """Find something like a pod template anywhere in an object."""
    if isinstance(value, dict):
        spec = value.get("spec")
        if path and isinstance(spec, dict) and _are_containers(spec.get("containers")):
            return path
        for key, part in value.items():
            if (found := _search(part, (*path, str(key)))) is not None:
                return found
    elif isinstance(value, list):
        for part in value:
            if (found := _search(part, (*path, EVERY))) is not None:
                return found
    return None


def _are_containers(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(each, dict) and "image" in each for each in value)
    )
