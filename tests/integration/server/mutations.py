"""Reviews gone wrong: a real pod's review, changed where and how hypothesis says.

First the document: a field away, doubled, renamed, of another type, huge or very deep. Then the
bytes: cut, flipped, doubled, not UTF-8.
"""

import copy
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.fakes.reviews import pod, review, unresolved

CASES = Path(__file__).parents[2] / "cases"
PODS: Sequence[Any] = (
    pod(),
    pod(containers=[unresolved(), unresolved("other")], initContainers=[unresolved("first")]),
    *(json.loads(path.read_bytes()) for path in sorted(CASES.glob("*/pod.json"))),
)


REVIEWS = tuple(json.dumps(review(each)) for each in PODS)
DAMAGES = ("insert", "delete", "double", "end")


def nested(depth: int, kind: str) -> Any:
    """A list, or an object, in itself."""
    value: Any = "x"
    for _ in range(depth):
        value = [value] if kind == "list" else {"name": value}
    return value


LONG = "long" * 2500
ODD: Sequence[Any] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, 10**40, 1e308, -0.0, 0.1),
    *("", "\0", "\u2028", "é", "$(A)", "$$", "/", "~0/1", "initshim", "..", LONG, "[1]", "\ud800"),
    *("/.initshim/init", "/.initshim", "--install", "Always", "windows", "CREATE", "false"),
    *([], {}, [None], [[]], [{}], {"": ""}, ["a", 1], {"name": "initshim"}, ["sh", "-c"]),
    *(nested(depth, kind) for depth in (1, 5, 240, 250, 300, 900) for kind in ("list", "object")),
)
KEYS = (
    *("name", "image", "command", "args", "containers", "initContainers", "volumes", "x", "uid"),
    *("volumeMounts", "mountPath", "env", "spec", "metadata", "annotations", "labels", "object"),
    *("nodeSelector", "restartPolicy", "resources", "limits", "ephemeralContainers", "hostPID"),
    *("initshim.dev/inject", "initshim.dev/options", "initshim.dev/entrypoint.app", "os"),
    *("initshim.dev/status", "initshim.dev/exclude-containers", "imagePullPolicy"),
)
BOTTOMLESS = b'{"a":' * 2000
JUNK = (
    *(b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\0", b"\\ud800", b'"', b"[" * 2000, b"NaN"),
    *(b"]", b"}", b",", b"1" * 400, b"1e999", b"-", b"\xef\xbb\xbf", b'"uid":"2",'),
    BOTTOMLESS,
)
Change = tuple[int, str, str, Any]


class Dice:
    """Choices from bytes, as libFuzzer's FuzzedDataProvider: one draw is fast, and it shrinks."""

    def __init__(self, drawn: bytes) -> None:
        self._left = list(drawn)

    def below(self, most: int) -> int:
        """Give a number; 0 when the bytes have run out."""
        high, low = (self._left.pop() if self._left else 0 for _ in range(2))
        return (high << 8 | low) % most

    def of(self, choices: Sequence[Any]) -> Any:
        """Choose one."""
        return choices[self.below(len(choices))]


def mutated(drawn: bytes) -> bytes:
    """Give a body that once was a review; most are still JSON."""
    dice = Dice(drawn)
    try:
        body = _written(dice)
    except RecursionError:  # several deep things in each other: more than Python can copy or write
        body = BOTTOMLESS
    for _ in range(max(0, dice.below(6) - 3)):
        body = damaged(body, dice.below(1 << 16), dice.of(DAMAGES), dice.of(JUNK))
    return body


def _written(dice: Dice) -> bytes:
    request = json.loads(REVIEWS[dice.below(len(REVIEWS))])
    for _ in range(dice.below(5)):
        place, how, key = dice.below(1 << 16), dice.of(tuple(_CHANGES)), dice.of(KEYS)
        request = changed(request, (place, how, key, dice.of(ODD)))
    return json.dumps(request).encode()


bodies = st.binary(max_size=48).map(mutated)


def changed(document: Any, change: Change) -> Any:
    """Change one place; the places are numbered."""
    number, how, key, value = change
    places = list(_places(document))
    if not places:
        return value
    parent, here = places[number % len(places)]
    _CHANGES[how](parent, here, key, value)
    return document


def _places(document: Any) -> Sequence[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [document]
    while waiting:
        node = waiting.pop()
        keys: Sequence[Any] = ()
        if isinstance(node, dict):
            keys = list(node)
        elif isinstance(node, list):
            keys = range(len(node))
        found += [(node, key) for key in keys]
        waiting += [node[key] for key in keys]
    return found


def _remove(parent: Any, here: Any, _key: str, _value: Any) -> None:
    del parent[here]


def _replace(parent: Any, here: Any, _key: str, value: Any) -> None:
    parent[here] = copy.deepcopy(value)


def _add(parent: Any, here: Any, key: str, value: Any) -> None:
    if isinstance(parent, dict):
        parent[key] = copy.deepcopy(value)
    else:
        parent.insert(here, copy.deepcopy(value))


def _double(parent: Any, here: Any, key: str, _value: Any) -> None:
    if isinstance(parent, dict):
        parent[key] = copy.deepcopy(parent[here])
    else:
        parent.append(copy.deepcopy(parent[here]))


def _rename(parent: Any, here: Any, key: str, _value: Any) -> None:
    if isinstance(parent, dict):
        parent[key] = parent.pop(here)


def _wrap(parent: Any, here: Any, key: str, value: Any) -> None:
    parent[here] = [parent[here]] if isinstance(value, list) else {key: parent[here]}


def _swap(parent: Any, here: Any, key: str, _value: Any) -> None:
    if isinstance(parent, dict) and key in parent:
        parent[here], parent[key] = parent[key], parent[here]


_CHANGES: dict[str, Callable[[Any, Any, str, Any], None]] = {
    "remove": _remove,
    "replace": _replace,
    "add": _add,
    "double": _double,
    "rename": _rename,
    "wrap": _wrap,
    "swap": _swap,
}


def damaged(body: bytes, at: int, how: str, junk: bytes) -> bytes:
    """Change the bytes at one place."""
    at %= len(body) + 1
    if how == "insert":
        return body[:at] + junk + body[at:]
    if how == "delete":
        return body[:at] + body[at + len(junk) :]
    if how == "double":
        return body[: at + 50] + body[at:]
    return body[:at]
