"""The smallest JSON Patch (RFC 6902) from one document to another, and its application."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from webhook.core.errors import PatchFailed

Operation = dict[str, Any]
Patch = list[Operation]


def diff(before: Any, after: Any) -> Patch:
    """Give the operations that turn `before` into `after`: add, remove and replace only.

    Parts that are the same object in both are not looked into.
    """
    return list(_diff(before, after, ""))


def apply(document: Any, patch: Sequence[Mapping[str, Any]]) -> Any:
    """Give the patched document; what the patch does not touch is shared with the old one.

    Raises PatchFailed where an operation's path does not exist.
    """
    for operation in patch:
        tokens = [_unescape(token) for token in operation["path"].split("/")[1:]]
        try:
            document = _apply(document, tokens, operation)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise PatchFailed(f"patch operation {operation} does not apply") from error
    return document


def _diff(before: Any, after: Any, path: str) -> Iterator[Operation]:
    if before is after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _diff_objects(before, after, path)
    elif _extends(before, after):
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


def _extends(before: Any, after: Any) -> bool:
    """Tell whether `after` is the objects of `before`, changed or not, and others between."""
    if not _are_objects(before) or not _are_objects(after):
        return False
    found = 0
    for candidate in after:
        if found < len(before) and _counterpart(before[found], candidate):
            found += 1
    return found == len(before)


def _are_objects(items: Any) -> bool:
    return isinstance(items, list) and all(isinstance(item, dict) for item in items)


def _diff_lists(before: list[Any], after: list[Any], path: str) -> Iterator[Operation]:
    at = 0
    for index, value in enumerate(after):
        here = f"{path}/{index}"
        if at < len(before) and _counterpart(before[at], value):
            yield from _diff(before[at], value, here)
            at += 1
        else:
            yield {"op": "add", "path": here, "value": value}


def _counterpart(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Tell whether these are the same thing: Kubernetes' lists of objects go by `name`."""
    return old is new or ("name" in old and old["name"] == new.get("name")) or _same(old, new)


def _same(before: Any, after: Any) -> bool:
    """Equal, and not merely equal to Python, for which True is 1 and 1 is 1.0."""
    if type(before) is not type(after):
        return False
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(_same(before[k], after[k]) for k in before)
    if isinstance(before, list):
        return len(before) == len(after) and all(map(_same, before, after))
    return bool(before == after)


def _apply(node: Any, tokens: list[str], operation: Mapping[str, Any]) -> Any:
    if not tokens:
        return operation["value"]
    token, rest = tokens[0], tokens[1:]
    if isinstance(node, list):
        items = list(node)
        index = int(token)
        if rest or operation["op"] == "replace":
            items[index] = _apply(items[index], rest, operation)
        elif operation["op"] == "add" and 0 <= index <= len(items):
            items.insert(index, operation["value"])
        else:
            del items[index]
        return items
    fields = dict(node)
    if rest or operation["op"] == "replace":
        fields[token] = _apply(fields[token], rest, operation)
    elif operation["op"] == "add":
        fields[token] = operation["value"]
    else:
        del fields[token]
    return fields


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _unescape(token: str) -> str:
    return token.replace("~1", "/").replace("~0", "~")
