"""A manifest through the engine: its workloads' pods as the webhook would have them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from webhook.admission.admit import Engine, Mutated, mutate
from webhook.cli import outcomes
from webhook.cli.manifest.files import Manifest, place
from webhook.cli.manifest.kinds import KNOWN, Kinds
from webhook.cli.manifest.nodes import Document, Misplaced, Scalar
from webhook.cli.manifest.places import keys, locate, replaced
from webhook.cli.manifest.pods import Object, Passed, Place, Template, pods
from webhook.cli.manifest.scalars import quote
from webhook.cli.manifest.splice import splice
from webhook.core.errors import BadPod
from webhook.core.pod import Json, Pod

_TYPES = {bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "an object"}


@dataclass(frozen=True, slots=True)
class ManifestOutcome:
    """What became of one container; `container` is "*" for what is left alone whole.

    `outcome` is "wrapped", the reason's public name, or one of `Left`; `why` and `remedy` are
    sentences.
    """

    file: str
    document: int
    kind: str
    name: str
    namespace: str
    container: str
    outcome: str
    why: str = ""
    remedy: str = ""

    @property
    def object(self) -> str:
        """`Kind/name`, with the namespace in front where the manifest gives one."""
        named = f"{self.kind or '(no kind)'}/{self.name or '(no name)'}"
        return f"{self.namespace}/{named}" if self.namespace else named


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A manifest, its new text and data, and what became of each container."""

    manifest: Manifest
    text: str
    data: tuple[Any, ...]
    outcomes: tuple[ManifestOutcome, ...]

    @property
    def changed(self) -> bool:
        """Whether any byte is another one."""
        return self.text != self.manifest.text


async def rewrite(
    manifest: Manifest,
    engine: Engine,
    *,
    deadline: Callable[[], float],
    in_place: bool = True,
    kinds: Kinds = KNOWN,
) -> Rewritten:
    """Send every workload of a manifest through the engine, each with a `deadline` of its own.

    Where not `in_place`, only the data is new and the text stays.

    Raises BadManifest that names file, document, line and object.
    """
    rewriter = _Rewriter(manifest, engine, kinds, deadline)
    data: list[Any] = []
    parts: list[str] = []
    done = 0
    for document in manifest.documents:
        try:
            values = document.values()
            wanted = await rewriter.document(document, values.root)
            data.append(wanted)
            if in_place:
                parts += (
                    manifest.text[done : document.start],
                    splice(document, values, wanted, manifest.parse_one),
                )
                done = document.start + len(document.text)
        except Misplaced as error:
            raise place(manifest.name, manifest.text, error) from error
    text = "".join((*parts, manifest.text[done:]))
    return Rewritten(manifest, text, tuple(data), tuple(rewriter.outcomes))


class _Rewriter:
    """Rewrites a manifest's documents one after the other, and collects the outcomes."""

    def __init__(
        self, manifest: Manifest, engine: Engine, kinds: Kinds, deadline: Callable[[], float]
    ) -> None:
        self.outcomes: list[ManifestOutcome] = []
        self._file = manifest.name
        self._engine = engine
        self._kinds = kinds
        self._deadline = deadline

    async def document(self, document: Document, data: Any) -> Any:
        """Give a document's data as wanted; what is given stays as it is. Raises Misplaced."""
        if not isinstance(data, dict | None):
            at = document.start + (document.root.start if document.root else 0)
            raise Misplaced("this is no Kubernetes object", at, document.number)
        changes: dict[Place, Json] = {}
        for found in pods(data, self._kinds):
            if isinstance(found, Passed):
                identity = self._identity(found.object, document)
                said = ManifestOutcome(
                    *identity, outcomes.WHOLE_POD, found.reason, found.why, found.remedy
                )
                self.outcomes.append(said)
                continue
            mutated = await self._mutate(found, document)
            self.outcomes += self._of_plan(mutated, found.object, document)
            if mutated.patch:
                changes[found.place] = mutated.pod
        return replaced(data, changes)

    async def _mutate(self, found: Template, document: Document) -> Mutated:
        _check_strings(found, document)
        namespace = found.object.namespace
        try:
            return await mutate(Pod(found.pod), namespace, self._engine, deadline=self._deadline())
        except BadPod as error:
            way = keys(str(error).partition(" ")[0])
            raise _misplaced(f"{found.object}: {error}", found, document, way) from error

    def _identity(self, about: Object, document: Document) -> tuple[str, int, str, str, str]:
        return self._file, document.number, about.kind, about.name, about.namespace

    def _of_plan(
        self, mutated: Mutated, about: Object, document: Document
    ) -> Iterator[ManifestOutcome]:
        identity = self._identity(about, document)
        for one in outcomes.of_plan(mutated.plan):
            yield ManifestOutcome(*identity, one.container, one.outcome, one.why, one.remedy)


def _check_strings(found: Template, document: Document) -> None:
    """Raise Misplaced for the first item of a command, of args, or annotation that is no string."""
    for way, item in _strings(found.pod):
        if not isinstance(item, str):
            raise _no_string(found, document, way, item)


def _strings(pod: Json) -> Iterator[tuple[Place, Any]]:
    """Give what has to be a string and, unquoted, easily is none."""
    for field in ("containers", "initContainers"):
        for index, container in enumerate(_list(pod["spec"], field)):
            for argv in ("command", "args"):
                for number, item in enumerate(_list(container, argv)):
                    yield ("spec", field, index, argv, number), item
    annotations = _object(_object(pod, "metadata"), "annotations")
    for key, value in annotations.items():
        yield ("metadata", "annotations", key), value


def _list(parent: Any, key: str) -> list[Any]:
    value = parent.get(key) if isinstance(parent, dict) else None
    return value if isinstance(value, list) else []


def _object(parent: Json, key: str) -> Json:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def _no_string(found: Template, document: Document, way: Place, item: Any) -> Misplaced:
    """Say which item it is, what it says, and what to write."""
    node = locate(document, (*found.place, *way))
    shown = document.text[node.start : node.end].strip() if isinstance(node, Scalar) else ""
    kind = _TYPES.get(type(item), "empty")
    what = f"the item {shown} is {kind}" if shown else f"an item is {kind}"
    mend = "" if isinstance(item, list | dict) else f": write {quote(shown)}"
    where = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in way)
    said = f"{found.object}, {where[1:]}: {what}, and Kubernetes takes only strings there{mend}"
    return _misplaced(said, found, document, way)


def _misplaced(said: str, found: Template, document: Document, way: Place) -> Misplaced:
    node = locate(document, (*found.place, *way))
    return Misplaced(said, document.start + (node.start if node else 0), document.number)
