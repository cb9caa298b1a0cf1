"""JSON text to documents whose nodes know their places: one value, or several in a row."""

import json
import re
from collections.abc import Iterator
from typing import Any

from webhook.cli.manifest.nodes import (
    Document,
    Entry,
    Mapping,
    Misplaced,
    Node,
    Scalar,
    Sequence,
)

_SPACE = re.compile(r"[ \t\r\n]*")
_LITERAL = re.compile(r"-?(?:0|[1-9][0-9]{0,400})(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null")
_DEEPEST = 200
_DECODER = json.JSONDecoder()


def parse(text: str) -> list[Document]:
    """Read every value. Raises Misplaced for the first thing that is wrong."""
    scanner = _Scanner(text)
    documents: list[Document] = []
    try:
        while scanner.more():
            documents.append(scanner.document(len(documents) + 1))
    except json.JSONDecodeError as error:
        raise Misplaced(error.msg, error.pos, len(documents) + 1) from error
    except Misplaced as error:
        raise Misplaced(str(error), error.at, len(documents) + 1) from error
    return documents


def parse_one(text: str) -> Document:
    """Read a text that is one value. Raises Misplaced."""
    (document,) = parse(text)
    return document


class _Scanner:
    """Reads a text from the front; `at` is how far."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._base = 0  # where the document begins: its nodes count from there
        self._depth = 0

    def more(self) -> bool:
        self._skip()
        return self._at < len(self._text)

    def document(self, number: int) -> Document:
        """Read one value, which begins here."""
        self._base = self._at
        root = self.node()
        return Document(number, self._base, self._text[self._base : self._at], root)

    def node(self) -> Node:
        opening = self._peek()
        if opening in ("{", "["):
            self._depth += 1
            if self._depth > _DEEPEST:
                raise Misplaced(f"nested deeper than {_DEEPEST} levels", self._at)
            node = self._mapping() if opening == "{" else self._sequence()
            self._depth -= 1
            return node
        return self._scalar()

    def _scalar(self) -> Scalar:
        start = self._at
        if self._peek() == '"':
            value, self._at = _DECODER.raw_decode(self._text, start)
            return Scalar(start - self._base, self._at - self._base, value)
        found = _LITERAL.match(self._text, start)
        if not found:
            raise Misplaced("a JSON value is expected here", start)
        self._at = found.end()
        value = json.loads(found[0])
        return Scalar(start - self._base, self._at - self._base, value)

    def _sequence(self) -> Sequence:
        start = self._at
        items = tuple(self.node() for _ in self._parts("]"))
        return Sequence(start - self._base, self._at - self._base, items, flow=True)

    def _mapping(self) -> Mapping:
        start = self._at
        entries: list[Entry] = []
        for _ in self._parts("}"):
            if self._peek() != '"':
                raise Misplaced("a key in double quotes is expected here", self._at)
            key = self._scalar()
            self._expect(":")
            entries.append(Entry(key.value, key, self.node()))
        return Mapping(start - self._base, self._at - self._base, tuple(entries), flow=True)

    def _parts(self, closing: str) -> Iterator[Any]:
        """Stop before each part of a list or an object, and behind its end at last."""
        self._at += 1
        if self._peek() != closing:
            yield None
            while self._peek() == ",":
                self._at += 1
                yield None
        self._expect(closing)

    def _expect(self, sign: str) -> None:
        if self._peek() != sign:
            raise Misplaced(f"{sign} is expected here", self._at)
        self._at += 1

    def _peek(self) -> str:
        self._skip()
        return self._text[self._at : self._at + 1]

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at
