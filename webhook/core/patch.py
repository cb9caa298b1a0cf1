"""The smallest JSON Patch (RFC 6902) from one document to another, and its application."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from webhook.core.errors import PatchFailed

Operation = dict[str, Any]
Patch = list[Operation]
_OPERATIONS = frozenset({"add", "remove", "replace", "move"})
_INDEX = re.compile(r"0|[1-9][0-9]*")


def diff(before: Any, after: Any) -> Patch:
    """Give the operations that turn `before` into `after`: add, remove and replace only.

    Parts that are the same object in both are not looked into.
    """
    operations: Patch = []
    _diff(before, after, "", operations)
    return operations


def apply(document: Any, patch: Sequence[Mapping[str, Any]]) -> Any:
    """Give the patched document; what the patch does not touch is shared with the old one.

    Raises PatchFailed where an operation's path does not exist, or for another operation than
    those of `diff`.
    """
    copies: dict[int, Any] = {}
    for operation in patch:
        try:
            document = _apply(document, operation, copies)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            what = f"{operation.get('op')} {operation.get('path')}"
            raise PatchFailed(f"patch operation {what} does not apply: {error}") from error
    return document


def _diff(before: Any, after: Any, path: str, out: Patch) -> None:
    if before is after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        _diff_objects(before, after, path, out)
    elif _are_objects(before) and _are_objects(after):
        _diff_lists(before, after, path, out)
    elif not _same(before, after):
        out.append({"op": "replace", "path": path, "value": after})


def _diff_objects(before: dict[str, Any], after: dict[str, Any], path: str, out: Patch) -> None:
    for key in before:
        if key not in after:
            out.append({"op": "remove", "path": f"{path}/{_escape(key)}"})
    for key, value in after.items():
        if key not in before:
            out.append({"op": "add", "path": f"{path}/{_escape(key)}", "value": value})
        elif before[key] is not value:
            _diff(before[key], value, f"{path}/{_escape(key)}", out)


def _are_objects(items: Any) -> bool:
    return isinstance(items, list) and all(isinstance(item, dict) for item in items)


def _diff_lists(before: list[Any], after: list[Any], path: str, out: Patch) -> None:
    """Walk both lists in order: what has no counterpart is removed or added where it stands."""
    at = 0
    for index, value in enumerate(after):
        here = f"{path}/{index}"
        found = _find(before, at, value)
        if found is None:
            out.append({"op": "add", "path": here, "value": value})
            continue
        out += [{"op": "remove", "path": here} for _ in range(at, found)]
        _diff(before[found], value, here, out)
        at = found + 1
    out += [{"op": "remove", "path": f"{path}/{len(after)}"} for _ in range(at, len(before))]


def _find(before: list[Any], at: int, value: dict[str, Any]) -> int | None:
    for index in range(at, len(before)):
        if _counterpart(before[index], value):
            return index
    return None


def _counterpart(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Tell whether these are the same thing: Kubernetes' lists of objects go by `name`."""
    return old is new or ("name" in old and old["name"] == new.get("name")) or _same(old, new)


def _same(before: Any, after: Any) -> bool:
    """Equal, and not merely equal to Python, for which True is 1 and 1 is 1.0."""
    if before is after:
        return True
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(_same(before[k], after[k]) for k in before)
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(_same, before, after))
    return _kind(before) is _kind(after) and bool(before == after)


def _kind(value: Any) -> type:
    """Give the JSON type; a YAML reader's scalars are subclasses of Python's."""
    kinds = (bool, int, float, str, list, dict)
    return next((kind for kind in kinds if isinstance(value, kind)), type(value))


def _tokens(operation: Mapping[str, Any]) -> list[str]:
    path: str = operation["path"]
    start, *tokens = path.split("/")
    if start or operation["op"] not in _OPERATIONS:
        raise ValueError("not one of our operations")
    if "~" in path:
        return [token.replace("~1", "/").replace("~0", "~") for token in tokens]
    return tokens


def _apply(document: Any, operation: Mapping[str, Any], copies: dict[int, Any]) -> Any:
    """Give the document with one operation done; `copies` holds what is ours to change, by id."""
    tokens = _tokens(operation)
    if not tokens:
        if operation["op"] == "remove":
            raise ValueError("the whole document can't be removed")
        return operation["value"]
    if operation["op"] == "move":
        return _move(document, operation, copies)
    *way, last = tokens
    document = node = _own(document, copies)
    for token in way:
        key = _key(node, token)
        node[key] = node = _own(node[key], copies)
    _change(node, _key(node, last), operation)
    return document


def _move(document: Any, operation: Mapping[str, Any], copies: dict[int, Any]) -> Any:
    """Take a node from where it is and add it elsewhere."""
    value = document
    for token in _tokens({"op": "move", "path": operation["from"]}):
        value = value[_key(value, token)]
    document = _apply(document, {"op": "remove", "path": operation["from"]}, copies)
    return _apply(document, {"op": "add", "path": operation["path"], "value": value}, copies)


def _own(node: Any, copies: dict[int, Any]) -> Any:
    """Give a copy that may be changed; the same one every time."""
    if id(node) in copies:
        return node
    if not isinstance(node, (dict, list)):
        raise TypeError("neither an object nor a list")
    copy = dict(node) if isinstance(node, dict) else list(node)
    copies[id(copy)] = copy
    return copy


def _key(node: Any, token: str) -> str | int:
    if isinstance(node, dict):
        return token
    if not _INDEX.fullmatch(token):
        raise ValueError("no index of a list")
    return int(token)


def _change(node: Any, key: Any, operation: Mapping[str, Any]) -> None:
    kind = operation["op"]
    if kind == "remove":
        del node[key]
    elif kind == "replace":
        _ = node[key]  # what is replaced has to be there
        node[key] = operation["value"]
    elif isinstance(node, dict):
        node[key] = operation["value"]
    elif key <= len(node):
        node.insert(key, operation["value"])
    else:
        raise IndexError("beyond the list's end")


def _escape(key: str) -> str:
    """Write a key as a path's token (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")
