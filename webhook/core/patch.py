"""The smallest JSON Patch (RFC 6902) from one document to another, and its application."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from webhook.core.errors import PatchFailed

Operation = dict[str, Any]
Patch = list[Operation]
_OPERATIONS = frozenset({"add", "remove", "replace"})
_INDEX = re.compile(r"0|[1-9][0-9]*")


def diff(before: Any, after: Any) -> Patch:
    """Give the operations that turn `before` into `after`: add, remove and replace only.

    Parts that are the same object in both are not looked into.
    """
    return list(_diff(before, after, ""))


def apply(document: Any, patch: Sequence[Mapping[str, Any]]) -> Any:
    """Give the patched document; what the patch does not touch is shared with the old one.

    Raises PatchFailed where an operation's path does not exist, or for another operation than
    those of `diff`.
    """
    for operation in patch:
        try:
            document = _apply(document, _tokens(operation), operation)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            what = f"{operation.get('op')} {operation.get('path')}"
            raise PatchFailed(f"patch operation {what} does not apply: {error}") from error
    return document


def _diff(before: Any, after: Any, path: str) -> Iterator[Operation]:
    if before is after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _diff_objects(before, after, path)
    elif _are_objects(before) and _are_objects(after):
        yield from _diff_lists(before, after, path)
    elif not _same(before, after):
        yield {"op": "replace", "path": path, "value": after}


def _diff_objects(before: dict[str, Any], after: dict[str, Any], path: str) -> Iterator[Operation]:
    for key in before:
        if key not in after:
            yield {"op": "remove", "path": f"{path}/{_escape(key)}"}
    for key, value in after.items():
        here = f"{path}/{_escape(key)}"
        if key in before:
            yield from _diff(before[key], value, here)
        else:
            yield {"op": "add", "path": here, "value": value}


def _are_objects(items: Any) -> bool:
    return isinstance(items, list) and all(isinstance(item, dict) for item in items)


def _diff_lists(before: list[Any], after: list[Any], path: str) -> Iterator[Operation]:
    """Walk both lists in order: what has no counterpart is removed or added where it stands."""
    at = 0
    for index, value in enumerate(after):
        here = f"{path}/{index}"
        rest = range(at, len(before))
        found = next((k for k in rest if _counterpart(before[k], value)), None)
        if found is None:
            yield {"op": "add", "path": here, "value": value}
            continue
        yield from ({"op": "remove", "path": here} for _ in range(at, found))
        yield from _diff(before[found], value, here)
        at = found + 1
    yield from ({"op": "remove", "path": f"{path}/{len(after)}"} for _ in range(at, len(before)))


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
    start, *tokens = operation["path"].split("/")
    if start or operation["op"] not in _OPERATIONS:
        raise ValueError("not one of our operations")
    return [token.replace("~1", "/").replace("~0", "~") for token in tokens]


def _apply(node: Any, tokens: list[str], operation: Mapping[str, Any]) -> Any:
    if not tokens:
        if operation["op"] == "remove":
            raise ValueError("the whole document can't be removed")
        return operation["value"]
    token, rest = tokens[0], tokens[1:]
    if isinstance(node, list):
        return _apply_to_list(list(node), token, rest, operation)
    if not isinstance(node, dict):
        raise TypeError("neither an object nor a list")
    fields = dict(node)
    if rest or operation["op"] == "replace":
        fields[token] = _apply(fields[token], rest, operation)
    elif operation["op"] == "add":
        fields[token] = operation["value"]
    else:
        del fields[token]
    return fields


def _apply_to_list(
    items: list[Any], token: str, rest: list[str], operation: Mapping[str, Any]
) -> list[Any]:
    if not _INDEX.fullmatch(token):
        raise ValueError("no index of a list")
    index = int(token)
    if rest or operation["op"] == "replace":
        items[index] = _apply(items[index], rest, operation)
    elif operation["op"] == "remove":
        del items[index]
    elif index <= len(items):
        items.insert(index, operation["value"])
    else:
        raise IndexError("beyond the list's end")
    return items


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
