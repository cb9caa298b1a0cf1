"""A document as a tree whose every node knows its place in the text."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from webhook.core.errors import BadManifest

# An alias of aliases of aliases can stand for more values than any machine has memory for.
_MOST_VALUES = 1_000_000


class Misplaced(BadManifest):
    """Something wrong at one place of a text; `at` is its index, `document` its number from 1."""

    def __init__(self, message: str, at: int, document: int = 0) -> None:
        super().__init__(message)
        self.at = at
        self.document = document


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """`start` to `end` in the text, without an anchor or a tag in front."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Scalar(Node):
    """A value without parts, as kubectl understands it."""

    value: Any


@dataclass(frozen=True, slots=True, eq=False)
class Sequence(Node):
    """A list; `flow` for one in brackets."""

    items: tuple[Node, ...]
    flow: bool


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A key and its value."""

    key: Node
    value: Node


@dataclass(frozen=True, slots=True, eq=False)
class Mapping(Node):
    """Keys and values; `flow` for one in braces. `merged` holds what `<<` brings in."""

    entries: tuple[Entry, ...]
    flow: bool
    merged: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Alias(Node):
    """`*name`: stands for another node."""

    target: Node


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One document of a text: its number from 1, its root (None where it is empty)."""

    number: int
    root: Node | None

    def data(self) -> Any:
        """Give what the document says; nothing in it is shared, whatever aliases it has."""
        return _Builder().build(self.root) if self.root else None


def value(node: Node) -> Any:
    """Give what the node says."""
    return _Builder().build(node)


def key_of(entry: Entry) -> str:
    """Give a key as JSON has it: a string."""
    told = entry.key.value if isinstance(entry.key, Scalar) else None
    if told is None or isinstance(told, bool):
        return {None: "null", True: "true", False: "false"}[told]
    return str(told)


@dataclass(slots=True)
class _Builder:
    """Makes data of nodes, up to a number of values."""

    left: int = field(default=_MOST_VALUES)

    def build(self, node: Node) -> Any:
        self.left -= 1
        if self.left < 0:
            raise Misplaced(f"aliases stand for more than {_MOST_VALUES:,} values", node.start)
        match node:
            case Scalar():
                return node.value
            case Alias():
                return self.build(node.target)
            case Sequence():
                return [self.build(item) for item in node.items]
            case Mapping():
                return self._mapping(node)
        raise AssertionError(node)

    def _mapping(self, node: Mapping) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for source in reversed([*_sources(node)]):  # the first of several wins
            built |= self._mapping(source)
        return built | {key_of(entry): self.build(entry.value) for entry in node.entries}


def _sources(node: Mapping) -> Iterator[Mapping]:
    """Give the mappings that `<<` names: one, or a list of them."""
    for merged in node.merged:
        target = merged.target if isinstance(merged, Alias) else merged
        for each in target.items if isinstance(target, Sequence) else (target,):
            source = each.target if isinstance(each, Alias) else each
            if not isinstance(source, Mapping):
                raise Misplaced("<< can only merge mappings", merged.start)
            yield source
