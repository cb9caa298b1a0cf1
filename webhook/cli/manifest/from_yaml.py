"""YAML text to documents whose nodes know their places, read as kubectl reads.

libyaml reads (PyYAML binds it), and kubectl's parser (go-yaml v2) is a port of an older libyaml.
Where the two differ, this module makes up for it or refuses. Only libyaml's events are used; what
words mean is in scalars.py.
"""

import math
import re
from collections.abc import Callable, Iterator
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
)
from webhook.cli.manifest.stream import parts

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PROPERTY = re.compile(r"[&!]\S*\s*")
_DEEPEST = 200
_ENDS = (yaml.SequenceEndEvent, yaml.MappingEndEvent)
_MOST_MASKS = 1000
_ESCAPED_SLASH = re.compile(r"(?<!\\)(?:\\\\)*\\/")
_MARK = re.compile("(?<=[\n\r\x85\u2028\u2029])\ufeff")
_COLON = "found unexpected ':'"


def parse(text: str) -> list[Document]:
    """Read every document. Raises Misplaced for the first thing that is wrong."""
    return list(_documents(text))


def parse_one(text: str) -> Document:
    """Read the text of one document. Raises Misplaced."""
    return Document(1, 0, text, _root(text), "*" in text)


def _documents(text: str) -> Iterator[Document]:
    for number, (start, end) in enumerate(parts(text), 1):
        own = text[start:end]
        try:
            yield Document(number, start, own, _root(own), "*" in own)
        except Misplaced as error:
            raise Misplaced(str(error), error.at + start, number) from error


def _root(text: str) -> Node | None:
    """Read one document as libyaml does, and once more for each `:` that it alone minds.

    In brackets, libyaml refuses a word with a `:` in front of `,?[]{}`, which to go-yaml is a
    letter like any other: another letter stands in its place.
    """
    # kubectl reads line by line and ends each with a line break, the last one as well.
    whole = text if text.endswith("\n") else f"{text}\n"
    if "\ufeff" in text and (found := _MARK.search(text, 1)):
        message = "kubectl takes a byte order mark here for a part of the line: delete it"
        raise Misplaced(message, found.start())
    mask = next(chr(code) for code in range(0xE000, 0xF000) if chr(code) not in whole)
    for _ in range(_MOST_MASKS):
        try:
            return _Reader(whole, mask).document()
        except yaml.reader.ReaderError as error:
            message = f"a character that YAML does not allow: {error.reason}"
            raise Misplaced(message, error.position) from error
        except yaml.MarkedYAMLError as error:
            mark: Any = error.problem_mark or error.context_mark
            at = mark.index if mark else 0
            if error.problem != _COLON or whole[at] != ":":
                said = ", ".join(filter(None, (error.problem, error.context)))
                raise Misplaced(said, min(at, len(text))) from error
            whole = f"{whole[:at]}{mask}{whole[at + 1 :]}"
        except RecursionError as error:
            raise Misplaced(f"nested deeper than {_DEEPEST} levels", 0) from error
    raise Misplaced(f"more than {_MOST_MASKS} words in brackets with a : at their end", 0)


class _Reader:
    """Builds nodes from libyaml's events; `mask` stands for a `:` in words."""

    def __init__(self, text: str, mask: str) -> None:
        self._text = text
        self._masked = mask if mask in text else ""
        self._questions = "?" in text
        self._slashes = "\\/" in text
        self._anchors: dict[str, Node | None] = {}
        self._depth = 0
        self._flows = 0
        self._next: Callable[[], Any] = _Loader(text).get_event

    def document(self) -> Node | None:
        """Read the first document, which is all that kubectl reads."""
        self._next()  # the stream's start
        if not isinstance(self._next(), yaml.DocumentStartEvent):
            return None
        root = self._node(self._next())
        end = self._next().end_mark.index
        if isinstance(self._next(), yaml.DocumentStartEvent):
            message = "kubectl reads nothing of what follows: a line --- has to be in front"
            raise Misplaced(message, end)
        return None if isinstance(root, Scalar) and root.value is None else root

    def _node(self, event: Any) -> Node:
        kind = type(event)
        if kind is yaml.AliasEvent:
            return self._alias(event)
        anchor = event.anchor
        start = self._content(event) if anchor or event.tag else event.start_mark.index
        if kind is yaml.ScalarEvent:
            end = event.end_mark.index
            node: Node = Scalar(min(start, end), end, self._meaning(event))
        else:
            if anchor:
                self._anchors[anchor] = None  # until it is whole, no alias may stand for it
            node = self._collection(event, kind, start)
        # An anchor of the same name inside came later, and is the one that counts.
        if anchor and (kind is yaml.ScalarEvent or self._anchors[anchor] is None):
            self._anchors[anchor] = node
        return node

    def _collection(self, event: Any, kind: type, start: int) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Misplaced(f"nested deeper than {_DEEPEST} levels", start)
        flow = bool(event.flow_style)
        self._flows += flow
        items: list[Node] = []
        event = self._next()
        while type(event) not in _ENDS:
            items.append(self._node(event))
            event = self._next()
        end = event.end_mark.index
        self._flows -= flow
        self._depth -= 1
        if kind is yaml.SequenceStartEvent:
            return Sequence(start, end, tuple(items), flow)
        return Mapping(start, end, self._entries(items), flow)

    def _entries(self, nodes: list[Node]) -> tuple[Entry, ...]:
        entries = []
        kinds: dict[str, type] = {}
        pairs = iter(nodes)
        for key, value in zip(pairs, pairs, strict=True):
            if not isinstance(key, Scalar):
                raise Misplaced("a key must be a word", key.start)
            word = key.value
            if word == "<<" and self._text[key.start] not in "'\"":
                if self._text[key.start] != "<":
                    raise Misplaced("<< has to be a plain word", key.start)
                entries.append(Entry(None, key, value))
                continue
            name = word if type(word) is str else scalars.key(word, key.start)
            if kinds.setdefault(name, type(word)) is not type(word):
                # To go-yaml these are two, and which one is left is chance.
                raise Misplaced(f"the key {name} is there twice, once in quotes", key.start)
            entries.append(Entry(name, key, value))
        return tuple(entries)

    def _alias(self, event: Any) -> Alias:
        target = self._anchors.get(event.anchor)
        start = event.start_mark.index
        if target is None:
            raise Misplaced(f"no anchor &{event.anchor} before it", start)
        return Alias(start, event.end_mark.index, target)

    def _content(self, event: Any) -> int:
        """Give where a node begins behind its anchor and tag."""
        at = int(event.start_mark.index)
        while found := _PROPERTY.match(self._text, at):
            at = found.end()
        return at

    def _meaning(self, event: Any) -> Any:
        """Give a scalar's value."""
        value, plain = event.value, event.implicit[0]
        if self._masked:
            value = value.replace(self._masked, ":")
        if self._slashes and event.style == '"':
            self._check_escapes(event)
        if self._questions and self._flows and not event.style and "?" in value:
            message = "kubectl takes no ? in a word in brackets: put the word in quotes"
            raise Misplaced(message, event.start_mark.index)
        if event.tag:
            value = scalars.tagged(event.tag, value, event.start_mark.index)
        elif plain:
            value = scalars.resolve(value)
        if value == math.inf:
            raise Misplaced(
                "kubectl takes no infinite number, and none that is no number",
                event.start_mark.index,
            )
        return value

    def _check_escapes(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        if _ESCAPED_SLASH.search(self._text, start, end):
            raise Misplaced("kubectl takes no \\/ in YAML: write / alone", start)
