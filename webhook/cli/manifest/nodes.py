"""A document as a tree whose every node knows its place in the text."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from webhook.core.errors import BadManifest

# An alias of aliases of aliases can stand for more values than any machine has memory for.
_MOST_VALUES = 1_000_000


class Misplaced(BadManifest):
    """Something wrong at one place of a text; `at` is its index, `document` its number from 1."""

    def __init__(self, message: str, at: int, document: int = 0, *, next_step: str = "") -> None:
        super().__init__(message, next_step=next_step)
        self.at = at
        self.document = document


class Node(Struct, frozen=True, eq=False, gc=False):
    """`start` to `end` in the document's text, without an anchor or a tag in front."""

    start: int
    end: int


class Scalar(Node, frozen=True, eq=False, gc=False):
    """A value without parts, as kubectl understands it."""

    value: Any


class Sequence(Node, frozen=True, eq=False, gc=False):
    """A list; `flow` for one in brackets."""

    items: tuple[Node, ...]
    flow: bool


class Entry(Struct, frozen=True, eq=False, gc=False):
    """A key and its value; `name` is the key as JSON has it, None for a merge (`<<`)."""

    name: str | None
    key: Node
    value: Node


class Mapping(Node, frozen=True, eq=False, gc=False):
    """Keys, values and merges in the order of the text; `flow` for one in braces.

    kubectl (go-yaml v2, decode.go: `mapping`) sets one after the other: of a key that is there
    twice the last counts, and a merge goes before the keys above it.
    """

    entries: tuple[Entry, ...]
    flow: bool


class Alias(Node, frozen=True, eq=False, gc=False):
    """`*name`: stands for another node."""

    target: Node


class Document(Struct, frozen=True, eq=False):
    """One document: its number from 1, where in the whole text its own begins, and its root.

    The root is None where the document is empty; nodes count from the document's beginning.
    `aliased` where it may have aliases.
    """

    number: int
    start: int
    text: str
    root: Node | None
    aliased: bool = False

    def values(self) -> "Values":
        """Give what every node says. Raises Misplaced where that is too much, or no mapping."""
        try:
            return Values(self.root, aliased=self.aliased)
        except Misplaced as error:
            raise Misplaced(str(error), error.at + self.start, self.number) from error

    def content(self) -> Any:
        """Give what the document says; what an alias stands for is the same object."""
        return self.values().root


class Values:
    """What the nodes of a document say, each computed once."""

    def __init__(self, root: Node | None, *, aliased: bool) -> None:
        self._known: dict[int, Any] = {}
        self._sizes: dict[int, int] = {}
        if aliased and root is not None:
            self._size(root, root.start)
        self.root: Any = None if root is None else self.of(root)

    def of(self, node: Node) -> Any:
        """Give what a node says."""
        if isinstance(node, Scalar):
            return node.value
        if isinstance(node, Alias):
            return self.of(node.target)
        known = self._known
        if id(node) not in known:
            known[id(node)] = (
                self._mapping(node)
                if isinstance(node, Mapping)
                else [self.of(item) for item in node.items]  # type: ignore[attr-defined]
            )
        return known[id(node)]

    def _mapping(self, node: Mapping) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for entry in node.entries:
            if entry.name is None:
                for source in reversed([*sources(entry)]):  # the first of several wins
                    built |= self.of(source)
            else:
                built[entry.name] = self.of(entry.value)
        return built

    def _size(self, node: Node, at: int) -> int:
        """Count the values that a node stands for. Raises Misplaced at `at` for too many."""
        if isinstance(node, Scalar):
            return 1
        target = node.target if isinstance(node, Alias) else node
        size = self._sizes.get(id(target))
        if size is None:
            if isinstance(target, Mapping):
                size = 1 + sum(self._size(each.value, each.value.start) for each in target.entries)
            elif isinstance(target, Sequence):
                size = 1 + sum(self._size(item, item.start) for item in target.items)
            else:
                size = 1
            if size > _MOST_VALUES:
                raise Misplaced(f"aliases stand for more than {_MOST_VALUES:,} values", at)
            self._sizes[id(target)] = size
        return size


def sources(merge: Entry) -> Iterator[Mapping]:
    """Give the mappings that `<<` names: one, or a list of them. Raises Misplaced."""
    merged = merge.value
    target = merged.target if isinstance(merged, Alias) else merged
    # go-yaml takes a list of mappings where it is written out, and no alias of one.
    many = target.items if isinstance(target, Sequence) and target is merged else (target,)
    for each in many:
        source = each.target if isinstance(each, Alias) else each
        if not isinstance(source, Mapping):
            raise Misplaced("<< can only merge mappings", merged.start)
        yield source


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same JSON; to Python alone True is 1, and 1 is 1.0."""
    if one is other:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)
