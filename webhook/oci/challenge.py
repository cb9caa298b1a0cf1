"""WWW-Authenticate, read in linear time, and nothing in it trusted.

Grammar: RFC 9110 §11.6.1; `Bearer realm="…",service="…",scope="…"` is the registries' token
protocol (distribution docs, spec/auth/token). The header comes from a host that a pod's author
chose: its length and the number of its parts are capped, and what can't be read is left out.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LONGEST = 8192
_MOST = 32

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BLANK = re.compile(r"[ \t]*")
_SEPARATOR = re.compile(r"[ \t,]*")
# One character class per branch and no nesting: this can't backtrack.
_QUOTED = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL)
_BARE = re.compile(r"[^ \t,]*")
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to authenticate that a server offers; scheme and names in lower case."""

    scheme: str
    parameters: Mapping[str, str]


def parse(values: Iterable[str]) -> tuple[Challenge, ...]:
    """Give the challenges of all WWW-Authenticate headers, in order; () for nonsense."""
    found: list[Challenge] = []
    for value in values:
        if len(value) <= LONGEST:
            _read(value, found)
    return tuple(found[:_MOST])


def _read(text: str, found: list[Challenge]) -> None:
    """Walk once over one header; every round consumes at least one character."""
    parameters: dict[str, str] | None = None
    at = 0
    while at < len(text):
        at = _end(_SEPARATOR, text, at)
        token = _TOKEN.match(text, at)
        if token is None:
            at += 1  # not a character that may stand here
            continue
        at = _end(_BLANK, text, token.end())
        if text.startswith("=", at) and parameters is not None:
            value, at = _value(text, _end(_BLANK, text, at + 1))
            if len(parameters) < _MOST:
                # The first one counts: a second realm is an attack or a mistake.
                parameters.setdefault(token[0].lower(), value)
        else:
            parameters = {}
            found.append(Challenge(token[0].lower(), parameters))
            at = _skip_token68(text, at)


def _value(text: str, at: int) -> tuple[str, int]:
    quoted = _QUOTED.match(text, at)
    if quoted:
        return _ESCAPE.sub(r"\1", quoted[1]), quoted.end()
    end = _end(_BARE, text, at)
    return text[at:end], end


def _skip_token68(text: str, at: int) -> int:
    """Skip what `Negotiate` and its kind give in place of parameters."""
    token = _TOKEN68.match(text, at)
    return token.end() if token else at


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at
