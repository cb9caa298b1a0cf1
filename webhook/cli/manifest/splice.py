"""A changed document as a few changes of its text: every byte that says the same stays.

The places of what changed are looked for in the text, the new parts are written there in the
style that the document has. The result is read again and must say exactly what was wanted.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from webhook.cli.manifest.nodes import (
    Alias,
    Document,
    Mapping,
    Misplaced,
    Node,
    Scalar,
    Sequence,
    key_of,
    value,
)
from webhook.cli.manifest.render import Style, compact, flow, pretty
from webhook.core.errors import BadManifest
from webhook.core.patch import diff

Parse = Callable[[str], list[Document]]
_ROUNDS = 4
_RIGID = "it is written in a way that can't be changed in place"
_KEEP = re.compile(r"[|>][0-9]?\+")  # the header of a block whose line breaks all count


@dataclass(frozen=True, slots=True)
class Edit:
    """Put `text` in place of what is from `start` to `end`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class _Change:
    """One round of edits. `expand`: write out what an alias or a merge stood for."""

    text: str
    style: Style
    expand: bool


def splice(text: str, wanted: list[Any], parse: Parse) -> str:
    """Change a text so that its documents say `wanted`. Raises BadManifest where it can't.

    The first round changes what is written out. What other places saw of that through an
    alias, or should have seen and could not, is written out there in the rounds that follow.
    """
    documents = parse(text)
    for attempt in range(_ROUNDS):
        pairs = zip(documents, wanted, strict=True)
        left = [(each, data) for each, data in pairs if diff(each.data(), data)]
        if not left:
            return text
        style = Style("\r\n" if "\r\n" in text else "\n", dense=_is_dense(text))
        edits: list[Edit] = []
        for document, data in left:
            if document.root:
                change = _Change(text, _dashed(style, text, document.root), expand=attempt > 0)
                edits += _Editor(change).edits(document.root, data, None)
        text = _replaced(text, edits)
        documents = _again(text, parse, len(wanted))
    raise BadManifest(_RIGID)


def _again(text: str, parse: Parse, count: int) -> list[Document]:
    try:
        documents = parse(text)
    except Misplaced as error:
        raise BadManifest(_RIGID) from error
    if len(documents) != count:
        raise BadManifest(_RIGID)
    return documents


def _replaced(text: str, edits: list[Edit]) -> str:
    """Carry out the edits; of two at one place the inner one was found first."""
    parts: list[str] = []
    done = 0
    for edit in sorted(edits, key=lambda each: (each.start, each.end)):
        parts += (text[done : edit.start], edit.text)
        done = edit.end
    return "".join((*parts, text[done:]))


def _is_dense(text: str) -> bool:
    """Tell whether a text is JSON without a space between its parts."""
    return '":"' in text and '": ' not in text


def _dashed(style: Style, text: str, root: Node) -> Style:
    """Complete the style: the first list of a document shows where its dashes stand."""
    return replace(style, dash=next(_dash_offsets(root, text), 0))


def _dash_offsets(node: Node, text: str) -> Iterator[int]:
    if isinstance(node, Mapping) and not node.flow:
        for entry in node.entries:
            told = entry.value
            if isinstance(told, Sequence) and not told.flow and told.items:
                dash = _dash(text, told.items[0].start)
                yield _column(text, dash) - _column(text, entry.key.start)
            yield from _dash_offsets(told, text)
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _dash_offsets(item, text)


def _line(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _column(text: str, at: int) -> int:
    return at - _line(text, at)


def _dash(text: str, at: int) -> int:
    """Find the dash of a block list's item from where the item's content is."""
    while at > 0:
        line = _line(text, at)
        found = text.rfind("-", line, at)
        while found > line and not (
            text[found + 1].isspace() and text[line:found].strip(" -") == ""
        ):
            found = text.rfind("-", line, found)
        if found >= line and text[line:found].strip(" -") == "":
            return found
        at = line - 1
    return 0


class _Editor:
    """Finds the edits that make nodes say what is wanted."""

    def __init__(self, change: _Change) -> None:
        self._text = change.text
        self._style = change.style
        self._expand = change.expand

    def edits(self, node: Node, wanted: Any, parent: Node | None) -> Iterator[Edit]:
        """Give the edits for one node."""
        if not diff(value(node), wanted):
            return
        if isinstance(node, Alias):
            if self._expand:
                yield self._replace(node, wanted, parent)
        elif isinstance(node, Mapping) and isinstance(wanted, dict) and node.entries:
            yield from self._mapping(node, wanted, parent)
        elif isinstance(node, Sequence) and isinstance(wanted, list) and node.items:
            yield from self._sequence(node, wanted, parent)
        else:
            yield self._replace(node, wanted, parent)

    def _mapping(
        self, node: Mapping, wanted: dict[str, Any], parent: Node | None
    ) -> Iterator[Edit]:
        own = {key_of(entry): entry for entry in node.entries}
        told = value(node)
        if not told.keys() <= wanted.keys():
            if self._expand or own.keys() - wanted.keys():
                yield self._replace(node, wanted, parent)
            return
        added = {}
        for key, part in wanted.items():
            if key in own:
                yield from self.edits(own[key].value, part, node)
            elif key not in told or (self._expand and diff(told[key], part)):
                added[key] = part
        if added:
            yield self._add_entries(node, added)

    def _add_entries(self, node: Mapping, added: dict[str, Any]) -> Edit:
        if node.flow:
            return self._add_in_flow(node, added)
        column = _column(self._text, node.entries[0].key.start)
        lines = [self._style.entry(key, part, column) for key, part in added.items()]
        return self._below(node, lines, column)

    def _below(self, node: Node, lines: list[str], column: int) -> Edit:
        """Write lines below the last thing that a node says, and the comment beside that."""
        at = self._content_end(node)
        space, newline = " " * column, self._style.newline
        if self._text[at - 1 : at] == "\n":  # behind a block that keeps its line breaks
            return Edit(at, at, "".join(f"{space}{line}{newline}" for line in lines))
        at = self._line_end(at)
        return Edit(at, at, "".join(f"{newline}{space}{line}" for line in lines))

    def _add_in_flow(self, node: Mapping, added: dict[str, Any]) -> Edit:
        last = node.entries[-1]
        at = last.value.end
        parts = []
        for key, part in added.items():
            written = self._flow(part, node, last.key.start)
            parts.append(
                f"{self._lead(node, last.key.start)}{flow_key(key)}{self._colon(last)}{written}"
            )
        return Edit(at, at, "".join(f",{part}" for part in parts))

    def _colon(self, entry: Any) -> str:
        """Give what stands between a key and its value, as the last one has it."""
        between = self._text[entry.key.end : entry.value.start]
        return between if between.strip() == ":" and "\n" not in between else ": "

    def _lead(self, node: Node, sibling: int) -> str:
        """Give what stands in front of a part in brackets: its own line, or a space."""
        if self._is_tall(node, sibling):
            return f"{self._style.newline}{self._indent(sibling)}"
        return "" if self._style.dense else " "

    def _indent(self, at: int) -> str:
        """Give the white space that a line begins with."""
        line = self._text[_line(self._text, at) : at]
        return line[: len(line) - len(line.lstrip())]

    def _is_tall(self, node: Node, sibling: int) -> bool:
        return _line(self._text, node.start) != _line(self._text, sibling)

    def _flow(self, part: Any, node: Node, sibling: int) -> str:
        if self._is_tall(node, sibling):
            indent = self._indent(sibling)
            step = indent.removeprefix(self._indent(node.start)) or "  "
            return pretty(part, indent, step=step, newline=self._style.newline)
        return compact(part, (",", ":") if self._style.dense else (", ", ": "))

    def _sequence(self, node: Sequence, wanted: list[Any], parent: Node | None) -> Iterator[Edit]:
        places = _aligned([value(item) for item in node.items], wanted)
        if places is None:
            yield self._replace(node, wanted, parent)
            return
        for item, place in zip(node.items, places, strict=True):
            yield from self.edits(item, wanted[place], node)
        before = 0
        for item, place in zip(node.items, places, strict=True):
            if place > before:
                yield self._insert(node, item, wanted[before:place])
            before = place + 1
        if before < len(wanted):
            yield self._append(node, wanted[before:])

    def _insert(self, node: Sequence, item: Node, added: list[Any]) -> Edit:
        """Write new items in front of one."""
        if node.flow:
            at = self._with_properties(item.start)
            lead = self._lead(node, item.start)
            parts = (f"{self._flow(part, node, item.start)},{lead}" for part in added)
            return Edit(at, at, "".join(parts))
        dash = _dash(self._text, item.start)
        column = _column(self._text, dash)
        gap = f"{self._style.newline}{' ' * column}"
        return Edit(dash, dash, "".join(f"{self._style.item(part, column)}{gap}" for part in added))

    def _append(self, node: Sequence, added: list[Any]) -> Edit:
        last = node.items[-1]
        if node.flow:
            at, lead = last.end, self._lead(node, last.start)
            parts = (f",{lead}{self._flow(part, node, last.start)}" for part in added)
            return Edit(at, at, "".join(parts))
        column = _column(self._text, _dash(self._text, last.start))
        return self._below(node, [self._style.item(part, column) for part in added], column)

    def _replace(self, node: Node, wanted: Any, parent: Node | None) -> Edit:
        """Write a value anew; below a block key it may take lines of its own."""
        end = self._content_end(node)
        if isinstance(parent, Mapping) and not parent.flow:
            column = _column(self._text, parent.entries[0].key.start)
            start = node.start
            while self._text[start - 1] == " ":
                start -= 1
            return Edit(start, end, self._style.value(wanted, column))
        if isinstance(parent, Mapping | Sequence) and parent.flow:
            written = self._flow(wanted, parent, node.start)
        else:
            written = flow(wanted)
        return Edit(node.start, end, written if node.start < node.end else f" {written}")

    def _with_properties(self, at: int) -> int:
        """Step back over an anchor or a tag in front of a node on the same line."""
        line = self._text[_line(self._text, at) : at]
        found = re.search(r"(?:[&!][^\s,\[\]{}]*[ ]+)+$", line)
        return at - len(found[0]) if found else at

    def _content_end(self, node: Node) -> int:
        """Give where the last thing that a node says ends."""
        match node:
            case Mapping(flow=False, entries=[*_, last]):
                return max(self._content_end(last.key), self._content_end(last.value))
            case Sequence(flow=False, items=[*_, last]):
                return self._content_end(last)
            case Scalar(start=start, end=end) if not _KEEP.match(self._text, start, end):
                return start + len(self._text[start:end].rstrip())
        return node.end

    def _line_end(self, at: int) -> int:
        """Give the end of a line, in front of its line break."""
        end = self._text.find("\n", at)
        end = len(self._text) if end < 0 else end
        return end - 1 if self._text[end - 1 : end] == "\r" else end


def flow_key(key: str) -> str:
    """Write a key so that YAML in braces and JSON can both have it."""
    return compact(key, (",", ":"))


def _aligned(told: list[Any], wanted: list[Any]) -> list[int] | None:
    """Find each old item's place in the wanted list, from the back; None where one is gone."""
    if len(told) == len(wanted):
        return list(range(len(wanted)))
    places: list[int] = []
    at = len(wanted)
    for item in reversed(told):
        at -= 1
        while at >= 0 and not _same_thing(item, wanted[at]):
            at -= 1
        if at < 0:
            return None
        places.append(at)
    return places[::-1]


def _same_thing(item: Any, wanted: Any) -> bool:
    """Kubernetes' lists of objects go by name; anything else by what it says."""
    if isinstance(item, dict) and isinstance(wanted, dict) and "name" in item:
        return bool(item["name"] == wanted.get("name"))
    return not diff(item, wanted)
