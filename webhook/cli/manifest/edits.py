"""The changes of a text that make a node say something else, in the style of what is there."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from webhook.cli.manifest.layout import Layout
from webhook.cli.manifest.nodes import (
    Alias,
    Entry,
    Mapping,
    Misplaced,
    Node,
    Sequence,
    Values,
    same,
    sources,
)
from webhook.cli.manifest.render import Style, compact, flow, pretty


@dataclass(frozen=True, slots=True)
class Edit:
    """Put `text` in place of what is from `start` to `end`."""

    start: int
    end: int
    text: str


class Editor:
    """Finds the edits that make nodes say what is wanted.

    With `expand` it writes out what an alias or a merge stood for; without, it leaves those be.
    """

    def __init__(self, text: str, values: Values, style: Style, *, expand: bool) -> None:
        self._text = text
        self._values = values
        self._layout = Layout(text)
        self._style = style
        self._expand = expand

    def edits(self, node: Node, wanted: Any, parent: Node | None) -> Iterator[Edit]:
        """Give the edits for one node."""
        if same(self._values.of(node), wanted):
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
        current = self._values.of(node)
        own, hidden = self._setters(node)
        if not current.keys() <= wanted.keys():
            if self._expand or own.keys() - wanted.keys():
                yield self._replace(node, wanted, parent)
            return
        added = {}
        for key, part in wanted.items():
            if key in own:
                yield from self.edits(own[key].value, part, node)
            elif key not in current:
                added[key] = part
            elif not same(current[key], part):
                if key in hidden:
                    raise Misplaced(_hidden(key), hidden[key].key.start)
                if self._expand:
                    added[key] = part
        if added:
            yield self._add_entries(node, added)

    def _setters(self, node: Mapping) -> tuple[dict[str, Entry], dict[str, Entry]]:
        """Give the entries that set a key's value, and those that a merge below overrides."""
        own: dict[str, Entry] = {}
        hidden: dict[str, Entry] = {}
        for entry in node.entries:
            if entry.name is not None:
                own[entry.name] = entry
                hidden.pop(entry.name, None)
                continue
            merged = {key for source in sources(entry) for key in self._values.of(source)}
            hidden |= {key: own.pop(key) for key in merged & own.keys()}
        return own, hidden

    def _add_entries(self, node: Mapping, added: dict[str, Any]) -> Edit:
        if node.flow:
            return self._add_in_flow(node, added)
        column = self._layout.key_column(node)
        lines = [self._style.entry(key, part, column) for key, part in added.items()]
        return self._below(node, lines, column)

    def _below(self, node: Node, lines: list[str], column: int) -> Edit:
        """Write lines below the last thing that a node says, and the comment beside that."""
        at = self._layout.content_end(node)
        space, newline = " " * column, self._style.newline
        if self._text[at - 1 : at] == "\n":  # behind a block that keeps its line breaks
            return Edit(at, at, "".join(f"{space}{line}{newline}" for line in lines))
        at = self._layout.line_end(at)
        return Edit(at, at, "".join(f"{newline}{space}{line}" for line in lines))

    def _add_in_flow(self, node: Mapping, added: dict[str, Any]) -> Edit:
        last = node.entries[-1]
        at = last.value.end
        lead, colon = self._lead(node, last.key.start), self._colon(last)
        parts = (
            f",{lead}{compact(key, (',', ':'))}{colon}{self._flow(part, node, last.key.start)}"
            for key, part in added.items()
        )
        return Edit(at, at, "".join(parts))

    def _colon(self, entry: Entry) -> str:
        """Give what stands between a key and its value, as the last one has it."""
        between = self._text[entry.key.end : entry.value.start]
        return between if between.strip() == ":" and "\n" not in between else ": "

    def _lead(self, node: Node, sibling: int) -> str:
        """Give what stands in front of a part in brackets: its own line, or a space."""
        if self._is_tall(node, sibling):
            return f"{self._style.newline}{self._layout.indent(sibling)}"
        return "" if self._style.dense else " "

    def _is_tall(self, node: Node, sibling: int) -> bool:
        return self._layout.line(node.start) != self._layout.line(sibling)

    def _flow(self, part: Any, node: Node, sibling: int) -> str:
        if self._is_tall(node, sibling):
            indent = self._layout.indent(sibling)
            step = indent.removeprefix(self._layout.indent(node.start)) or "  "
            return pretty(part, indent, step=step, newline=self._style.newline)
        return compact(part, (",", ":") if self._style.dense else (", ", ": "))

    def _sequence(self, node: Sequence, wanted: list[Any], parent: Node | None) -> Iterator[Edit]:
        places = _aligned(self._values.of(node), wanted)
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
            at = self._layout.before_properties(item.start)
            lead = self._lead(node, item.start)
            parts = (f"{self._flow(part, node, item.start)},{lead}" for part in added)
            return Edit(at, at, "".join(parts))
        dash = self._layout.dash(item.start)
        column = self._layout.column(dash)
        gap = f"{self._style.newline}{' ' * column}"
        return Edit(dash, dash, "".join(f"{self._style.item(part, column)}{gap}" for part in added))

    def _append(self, node: Sequence, added: list[Any]) -> Edit:
        last = node.items[-1]
        if node.flow:
            at, lead = last.end, self._lead(node, last.start)
            parts = (f",{lead}{self._flow(part, node, last.start)}" for part in added)
            return Edit(at, at, "".join(parts))
        column = self._layout.column(self._layout.dash(last.start))
        return self._below(node, [self._style.item(part, column) for part in added], column)

    def _replace(self, node: Node, wanted: Any, parent: Node | None) -> Edit:
        """Write a value anew; below a block key it may take lines of its own."""
        end = self._layout.content_end(node)
        if isinstance(parent, Mapping) and not parent.flow:
            column = self._layout.key_column(parent)
            start = node.start
            while self._text[start - 1] in " \r\n":
                start -= 1
            return Edit(start, end, self._style.value(wanted, column))
        if isinstance(parent, Mapping | Sequence) and parent.flow:
            written = self._flow(wanted, parent, node.start)
        else:
            written = flow(wanted)
        return Edit(node.start, end, written if node.start < node.end else f" {written}")


def _aligned(current: list[Any], wanted: list[Any]) -> list[int] | None:
    """Find each old item's place in the wanted list, from the back; None where one is gone."""
    if len(current) == len(wanted):
        return list(range(len(wanted)))
    places: list[int] = []
    at = len(wanted)
    for item in reversed(current):
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
    return same(item, wanted)


def _hidden(key: str) -> str:
    return (
        f"{key} is set here, and << below sets it again, which is what kubectl takes and others "
        f"do not: put << above {key}"
    )
