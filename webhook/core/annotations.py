"""The names that pods carry, and what a pod's own annotations ask for."""

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct, field

from initshim import grammar
from initshim.grammar import Value
from webhook.core.errors import BadAnnotation

PREFIX = "initshim.dev/"
INJECT = f"{PREFIX}inject"
EXCLUDE = f"{PREFIX}exclude-containers"
INCLUDE_INIT = f"{PREFIX}include-init-containers"
ENTRYPOINT = f"{PREFIX}entrypoint."
OPTIONS = f"{PREFIX}options"
STATUS = f"{PREFIX}status"
DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
"""Which container `kubectl logs` and `exec` mean where none is named; without it, they say so."""

ON, OFF = ("enabled", "true"), ("disabled", "false")
"""What `initshim.dev/inject` may be: of a namespace's label, of a pod's annotation or label."""

_INTENDED = {
    **dict.fromkeys(("enabled", "enable", "true", "yes", "y", "on", "1", "inject"), ON[0]),
    **dict.fromkeys(("disabled", "disable", "false", "no", "n", "off", "0", "none"), OFF[0]),
}

MOST_WORDS = 512  # of an entrypoint, as of an image's
MOST_OPTIONS = 64
LONGEST_OPTIONS = 1024  # characters, all together
_REALTIME = re.compile(r"(?:RTMIN\+|RTMAX-)([0-9]+)")


class PodOptions(Struct, frozen=True):
    """What a pod's annotations ask for; the defaults are a pod without any."""

    opted_out: bool = False
    excluded: frozenset[str] = frozenset()
    include_init: bool = False
    entrypoints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reaper: tuple[str, ...] = ()


def pod_options(annotations: Mapping[str, str], labels: Mapping[str, str]) -> PodOptions:
    """Read a pod's initshim.dev/… annotations; a label can opt out as well.

    Raises BadAnnotation with the sentence that explains what is wrong. An annotation under
    the prefix that nobody knows is refused too: a typing error must not be silent.
    """
    by_annotation = _switch(INJECT, annotations.get(INJECT))
    by_label = _switch(INJECT, labels.get(INJECT))
    if by_annotation is False or by_label is False:
        return PodOptions(opted_out=True)
    excluded: frozenset[str] = frozenset()
    include_init = False
    entrypoints: dict[str, tuple[str, ...]] = {}
    reaper: tuple[str, ...] = ()
    for key, value in annotations.items():
        if not key.startswith(PREFIX) or key in (INJECT, STATUS):
            continue
        if key == EXCLUDE:
            excluded = frozenset(name.strip() for name in value.split(",")) - {""}
        elif key == INCLUDE_INIT:
            include_init = bool(_switch(key, value))
        elif key == OPTIONS:
            reaper = _options(value)
        elif key.startswith(ENTRYPOINT):
            entrypoints[key.removeprefix(ENTRYPOINT)] = _argv(key, value)
        else:
            raise BadAnnotation(f"{_named(key)} is no annotation of initshim")
    return PodOptions(False, excluded, include_init, entrypoints, reaper)


def intended(value: str) -> str:
    """Give the value that somebody intended who wrote this one, which says nothing; else ""."""
    return "" if value in (*ON, *OFF) else _INTENDED.get(value[:16].strip().lower(), "")


def _switch(key: str, value: str | None) -> bool | None:
    if value is None:
        return None
    if value in ON or value in OFF:
        return value in ON
    raise BadAnnotation(f'{key} must be "true" or "false", not {_shown(value)}')


def _argv(key: str, value: str) -> tuple[str, ...]:
    try:
        argv = json.loads(value)
    except (ValueError, RecursionError):
        argv = None
    if not isinstance(argv, list) or not argv or not all(map(_is_word, argv)):
        raise BadAnnotation(f"{_named(key)} must be a JSON list of strings, not {_shown(value)}")
    if len(argv) > MOST_WORDS:
        raise BadAnnotation(f"{_named(key)} has more than {MOST_WORDS} words")
    return tuple(argv)


def _is_word(word: object) -> bool:
    """Tell whether execve and the API server can carry the word: no NUL, no half of a pair."""
    return isinstance(word, str) and not any(c == "\0" or "\ud800" <= c <= "\udfff" for c in word)


def _options(value: str) -> tuple[str, ...]:
    """Check the reaper's options as the reaper would: a pod must not fail over a typing error.

    What a pod may ask for is a part of what the reaper knows: `-t` is the webhook's to set,
    and `--install`, `--help` and `--version` start no program.
    """
    if len(value) > LONGEST_OPTIONS:
        raise BadAnnotation(f"{OPTIONS}: longer than {LONGEST_OPTIONS} characters")
    try:
        words = shlex.split(value)
    except ValueError as error:
        raise BadAnnotation(f"{OPTIONS}: {error} in {_shown(value)}") from error
    if len(words) > MOST_OPTIONS:
        raise BadAnnotation(f"{OPTIONS}: more than {MOST_OPTIONS} words")
    left = iter(words)
    for word in left:
        if word.startswith("--"):
            problem = _long(word, left)
        elif word.startswith("-") and len(word) > 1:
            problem = _short(word[1:], left)
        else:
            problem = f"{_shown(word)} is no option"
        if problem:
            raise BadAnnotation(f"{OPTIONS}: {problem}")
    return tuple(words)


def _long(word: str, left: Iterator[str]) -> str:
    name, equals, value = word[2:].partition("=")
    kind = _BY_NAME.get(name)
    if kind is None:
        return f"{_shown(word)} is no option that a pod may set"
    if kind is Value.NONE:
        return f"--{name} takes no value" if equals else ""
    return _value(f"--{name}", value if equals else next(left, None), _ACCEPTS[kind])


def _short(letters: str, left: Iterator[str]) -> str:
    for at, letter in enumerate(letters):
        kind = _BY_LETTER.get(letter)
        if kind is None:
            return f"-{letter} is no option that a pod may set"
        if kind is not Value.NONE:
            return _value(f"-{letter}", letters[at + 1 :] or next(left, None), _ACCEPTS[kind])
    return ""


def _value(option: str, value: str | None, accepts: Callable[[str], bool]) -> str:
    if value is None:
        return f"{option} needs a value"
    return "" if accepts(value) else f"{option} can't take {_shown(value)}"


def _is_number(text: str, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9 and int(text) <= most


def _is_signal(text: str, *, or_none: bool = False) -> bool:
    """Tell whether the reaper knows the signal; 0 stands for none."""
    name = text.upper() if text.isascii() else ""
    if name.startswith("SIG"):
        name = name[3:]
    elif _is_number(name, grammar.LAST_SIGNAL):
        return or_none or int(name) > 0
    offset = _REALTIME.fullmatch(name)
    return name in _SIGNALS or (offset is not None and _is_number(offset[1], _REAL_TIME_SIGNALS))


def _is_rewrite(text: str) -> bool:
    source, colon, target = text.partition(":")
    return bool(colon) and _is_signal(source) and _is_signal(target, or_none=True)


_SIGNALS = frozenset({*grammar.SIGNALS, "RTMIN", "RTMAX"})
_REAL_TIME_SIGNALS = grammar.LAST_SIGNAL - grammar.FIRST_REAL_TIME
_BY_NAME = {option.name: option.value for option in grammar.OPTIONS if option.pod}
_BY_LETTER = {option.letter: option.value for option in grammar.OPTIONS if option.pod}
_ACCEPTS: Mapping[Value, Callable[[str], bool]] = {
    Value.CODE: lambda text: _is_number(text, grammar.MOST_CODE),
    Value.SECONDS: lambda text: _is_number(text, grammar.MOST_SECONDS),
    Value.SIGNAL: _is_signal,
    Value.REWRITE: _is_rewrite,
}


def _named(key: str) -> str:
    """Shorten a long key in its middle, so that a warning has room for what is wrong."""
    return key if len(key) <= 44 else f"{key[:30]}…{key[-13:]}"


def _shown(value: str) -> str:
    return repr(value if len(value) <= 40 else f"{value[:40]}…")
