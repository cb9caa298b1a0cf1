"""New values as text, in the style of the document that they go into."""

import json
from dataclasses import dataclass
from typing import Any

from webhook.cli.manifest.scalars import quote, visible, write

_STEP = 2


@dataclass(frozen=True, slots=True)
class Style:
    """How a document is written: its line break, and how far dashes stand behind their key.

    `dense` is JSON without spaces.
    """

    newline: str = "\n"
    dash: int = 0
    dense: bool = False

    def entry(self, key: str, value: Any, column: int) -> str:
        """Write `key: value` as block YAML that begins at a column; no line break at its end."""
        return f"{write(key)}:{self.value(value, column)}"

    def value(self, value: Any, column: int) -> str:
        """Write what follows a key at that column: on its line, or on the next ones."""
        if isinstance(value, dict) and value:
            inner = column + _STEP
            lines = (self.entry(key, part, inner) for key, part in value.items())
            return "".join(f"{self.newline}{' ' * inner}{line}" for line in lines)
        if isinstance(value, list) and any(isinstance(part, dict | list) for part in value):
            inner = column + self.dash
            lines = (self.item(part, inner) for part in value)
            return "".join(f"{self.newline}{' ' * inner}{line}" for line in lines)
        return f" {flow(value)}"

    def item(self, value: Any, column: int) -> str:
        """Write `- value` as block YAML whose dash stands at a column."""
        if isinstance(value, dict) and value:
            inner = column + _STEP
            lines = [self.entry(key, part, inner) for key, part in value.items()]
            return "- " + f"{self.newline}{' ' * inner}".join(lines)
        return f"- {flow(value)}"


def flow(value: Any) -> str:
    """Write a value on one line; strings in lists are quoted, as argv mostly is."""
    if isinstance(value, list):
        parts = (quote(part) if isinstance(part, str) else flow(part) for part in value)
        return f"[{', '.join(parts)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quote(key)}: {flow(part)}" for key, part in value.items()) + "}"
    return write(value)


def pretty(value: Any, indent: str, *, step: str, newline: str) -> str:
    """Write JSON over several lines, for a value whose line begins with that white space."""
    lines = json.dumps(value, ensure_ascii=False, indent=step).split("\n")
    return f"{newline}{indent}".join(visible(line) for line in lines)


def compact(value: Any, separators: tuple[str, str]) -> str:
    """Write JSON on one line, with a document's own separators."""
    return visible(json.dumps(value, ensure_ascii=False, separators=separators))
