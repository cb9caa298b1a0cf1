"""Nodes found by the way to them, values changed along one, and words about a place."""

import re
from collections.abc import Mapping as Changes
from collections.abc import Sequence as Keys
from typing import Any

from webhook.cli.manifest.nodes import Alias, Document, Mapping, Node, Sequence, sources

_TOKEN = re.compile(r"[^.\[\]]+|\[[^\]]*\]")


def replaced(value: Any, changes: Changes[tuple[str | int, ...], Any]) -> Any:
    """Give a value with other parts at some places; what is not on the way there is shared."""
    if not changes:
        return value
    if () in changes:
        return changes[()]
    below: dict[str | int, dict[tuple[str | int, ...], Any]] = {}
    for (key, *rest), new in changes.items():
        below.setdefault(key, {})[tuple(rest)] = new
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    for key, inner in below.items():
        copy[key] = replaced(value[key], inner)
    return copy


def locate(document: Document, place: Keys[str | int]) -> Node | None:
    """Find the node at a place, or the last one on the way that is there."""
    node = document.root
    for key in place:
        following = _part(node, key)
        if following is None:
            return node
        node = following
    return node


def keys(path: str) -> tuple[str | int, ...]:
    """Read a path as messages have it: `spec.containers[0].args`."""
    tokens = (token.strip("[]") for token in _TOKEN.findall(path))
    return tuple(int(token) if token.isdecimal() else token for token in tokens)


def _part(node: Node | None, key: str | int) -> Node | None:
    """Give the part of a node that counts for kubectl: the last one that sets the key."""
    target = node.target if isinstance(node, Alias) else node
    if isinstance(target, Sequence):
        found = isinstance(key, int) and key < len(target.items)
        return target.items[key] if found else None  # type: ignore[index]
    if not isinstance(target, Mapping):
        return None
    for entry in reversed(target.entries):
        if entry.name == key:
            return entry.value
        if entry.name is None:
            for source in sources(entry):
                if (part := _part(source, key)) is not None:
                    return part
    return None
