"""YAML text to documents whose nodes know their places.

libyaml reads (PyYAML binds it): kubectl's parser is a port of the same library, so both take
and refuse the same texts. Only its events are used; what words mean is in scalars.py.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from webhook.cli.manifest import scalars
from webhook.cli.manifest.nodes import (
    Alias,
    Document,
    Entry,
    Mapping,
    Misplaced,
    Node,
    Scalar,
    Sequence,
    key_of,
)

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PROPERTY = re.compile(r"[&!]\S*\s*")
_STRING_TAG = "tag:yaml.org,2002:str"
_DEEPEST = 200


def parse(text: str) -> list[Document]:
    """Read every document. Raises Misplaced for the first thing that is wrong."""
    reader = _Reader(text)
    try:
        return list(reader.documents())
    except yaml.reader.ReaderError as error:
        message = f"a character that YAML does not allow: {error.reason}"
        raise Misplaced(message, error.position, reader.number) from error
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark or error.context_mark
        said = ", ".join(filter(None, (error.problem, error.context)))
        raise Misplaced(said, mark.index if mark else 0, reader.number) from error
    except Misplaced as error:
        raise Misplaced(str(error), error.at, reader.number) from error


class _Reader:
    """Builds nodes from libyaml's events; `number` is the document that is being read."""

    def __init__(self, text: str) -> None:
        self.number = 1
        self._text = text
        self._events: Iterator[Any] = yaml.parse(text, Loader=_Loader)
        self._anchors: dict[str, Node] = {}
        self._depth = 0

    def documents(self) -> Iterator[Document]:
        done = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self.number, self._anchors = done + 1, {}
                root = self._node(next(self._events))
                done += 1
                yield Document(done, None if _is_nothing(root) else root)
            elif isinstance(event, yaml.DocumentEndEvent):
                self.number = done + 1

    def _node(self, event: Any) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        start = self._content(event)
        if isinstance(event, yaml.ScalarEvent):
            node: Node = Scalar(start, _end(event), _meaning(event))
        else:
            node = self._collection(event, start)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _collection(self, event: Any, start: int) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Misplaced(f"nested deeper than {_DEEPEST} levels", start)
        flow = bool(event.flow_style)
        if isinstance(event, yaml.SequenceStartEvent):
            items, end = self._items()
            node: Node = Sequence(start, end, tuple(items), flow)
        else:
            node = self._mapping(start, flow=flow)
        self._depth -= 1
        return node

    def _items(self) -> tuple[list[Node], int]:
        items: list[Node] = []
        for event in self._events:
            if isinstance(event, yaml.CollectionEndEvent):
                return items, _end(event)
            items.append(self._node(event))
        raise AssertionError("libyaml closes what it opens")

    def _mapping(self, start: int, *, flow: bool) -> Mapping:
        nodes, end = self._items()
        entries, merged, seen = [], [], dict[str, Entry]()
        for key, told in zip(nodes[::2], nodes[1::2], strict=True):
            if not isinstance(key, Scalar):
                raise Misplaced("a key must be a word", key.start)
            entry = Entry(key, told)
            name = key_of(entry)
            if name == "<<" and self._text[key.start] == "<":
                merged.append(told)
                continue
            if name in seen:
                first = self._text.count("\n", 0, seen[name].key.start) + 1
                raise Misplaced(f"the key {name} is there twice, first on line {first}", key.start)
            seen[name] = entry
            entries.append(entry)
        return Mapping(start, end, tuple(entries), flow, tuple(merged))

    def _alias(self, event: Any) -> Alias:
        target = self._anchors.get(event.anchor)
        if target is None:
            raise Misplaced(f"no anchor &{event.anchor} before it", event.start_mark.index)
        return Alias(event.start_mark.index, _end(event), target)

    def _content(self, event: Any) -> int:
        """Give where a node begins behind its anchor and tag."""
        at = int(event.start_mark.index)
        while (event.anchor or event.tag) and (found := _PROPERTY.match(self._text, at)):
            at = found.end()
        return min(at, _end(event)) if isinstance(event, yaml.ScalarEvent) else at


def _end(event: Any) -> int:
    return int(event.end_mark.index)


def _meaning(event: Any) -> Any:
    """Give a scalar's value: a quoted one, a block and `!!str` are strings."""
    if event.style or event.tag == _STRING_TAG:
        return event.value
    return scalars.resolve(event.value)


def _is_nothing(root: Node) -> bool:
    return isinstance(root, Scalar) and root.value is None
