"""Python's values as CEL writes them, and the few idioms that every expression is made of."""

import json
from collections.abc import Iterable, Mapping
from typing import Any


class Code(str):
    """A piece of CEL where a value would stand: it is written as it is."""

    __slots__ = ()


def literal(value: object) -> str:
    """Write a string, a number, a truth value, or a list of them. JSON's escapes are CEL's."""
    if isinstance(value, Code):
        return str(value)
    if isinstance(value, frozenset | set):
        value = sorted(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(literal, value))}]"
    return json.dumps(value, ensure_ascii=False)


def typed(place: str, value: Any) -> str:
    """Write a part of a pod as an object of its place, `Object.spec.volumes`.

    Maps of one literal can't mix types (HomogeneousAggregateLiterals in k8s.io/apiserver,
    pkg/cel/environment); objects can.
    """
    if isinstance(value, Mapping):
        fields = (f"{key}: {typed(f'{place}.{key}', each)}" for key, each in value.items())
        return f"{place}{{{', '.join(fields)}}}"
    if isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        return f"[{', '.join(typed(place, each) for each in value)}]"
    return literal(value)


def optional(path: str, default: str) -> str:
    """Read a path of the pod of which any part may be missing: `object.spec.?os.?name`."""
    first, *rest = path.split(".")
    # What every pod has is read plainly.
    start = [first] if rest[:1] not in (["spec"], ["metadata"]) else [first, rest.pop(0)]
    return f"{'.'.join(start)}{''.join(f'.?{each}' for each in rest)}.orValue({default})"


def checked(path: str, default: str) -> str:
    """Read the same without optional types, which API servers before 1.29 don't have."""
    first, *rest = path.split(".")
    places = [".".join([first, *rest[:depth]]) for depth in range(1, len(rest) + 1)]
    # What every object has; `has` of a variable is no macro.
    there = {f"{first}.spec", f"{first}.metadata"}
    conditions = " && ".join(f"has({each})" for each in places if each not in there)
    return f"({conditions} ? {path} : {default})"


def any_of(conditions: Iterable[str]) -> str:
    """One of them at least holds."""
    return "\n|| ".join(map(_whole, conditions))


def all_of(conditions: Iterable[str]) -> str:
    """Every one of them holds."""
    return "\n&& ".join(map(_whole, conditions))


def _whole(condition: str) -> str:
    return f"({condition})" if any(each in condition for each in ("&&", "||", " ? ")) else condition


def basename(word: str) -> str:
    """Give what stands behind the last slash; all of it where there is none."""
    return f'{word}.substring({word}.lastIndexOf("/") + 1)'
