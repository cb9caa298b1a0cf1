"""Lines of the log: JSON for machines or text for people, each event in one line.

Nothing of a pod but names gets here: a traceback comes without the values of its variables, for
one of them is the pod, with the passwords in its environment.
"""

import json
import sys
import time
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, TextIO

import msgspec

Level = Literal["debug", "info", "warning", "error"]
Form = Literal["json", "text"]

_LONGEST = 512  # characters of a value, whatever a pod's author writes
_MOST = 128  # entries of a mapping
_SEVERITY = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_COLOURS = {"debug": "2", "info": "32", "warning": "33", "error": "31"}  # ECMA-48, 8.3.117
_NAME_WIDTH = 28
_encode = msgspec.json.Encoder(enc_hook=repr).encode


class Log:
    """Writes events of at least a level.

    Where a line can't be written (a full disk, a closed pipe) the work goes on.
    """

    def __init__(self, level: Level, form: Form, out: TextIO = sys.stderr) -> None:
        self._least = _SEVERITY[level]
        self._json = form == "json"
        self._colours = not self._json and out.isatty()
        self._out = out

    def debug(self, event: str, /, **fields: object) -> None:
        """Write what only helps to find a mistake."""
        self.write("debug", event, fields)

    def info(self, event: str, /, **fields: object) -> None:
        """Write what happened."""
        self.write("info", event, fields)

    def warning(self, event: str, /, **fields: object) -> None:
        """Write what somebody should look at."""
        self.write("warning", event, fields)

    def error(self, event: str, /, **fields: object) -> None:
        """Write what is broken."""
        self.write("error", event, fields)

    def writes(self, level: Level) -> bool:
        """Tell whether lines of this level are written at all."""
        return _SEVERITY[level] >= self._least

    def write(
        self,
        level: Level,
        event: str,
        fields: Mapping[str, object],
        exception: BaseException | None = None,
    ) -> None:
        """Write one event; of an exception the traceback."""
        if not self.writes(level):
            return
        line = {"event": event, **fields, "level": level, "timestamp": _now()}
        if exception:
            line = _shortened(line)
            line["exception"] = "".join(traceback.format_exception(exception)).rstrip()
        text = self._rendered(line)
        # Only a long line can hold something that is too long; of many containers it need not.
        if len(text) > _LONGEST and not exception and any(map(_is_long, line.values())):
            text = self._rendered(_shortened(line))
        try:
            self._out.write(f"{text}\n")
            self._out.flush()
        except (OSError, ValueError):
            return

    def _rendered(self, line: Mapping[str, Any]) -> str:
        return _to_json(line) if self._json else _text(line, colours=self._colours)


def _now() -> str:
    """Give the time in UTC as ISO 8601 writes it, to the microsecond."""
    seconds, rest = divmod(time.time_ns(), 1_000_000_000)
    return f"{_second(seconds)}.{rest // 1000:06}Z"


@lru_cache(maxsize=1)
def _second(seconds: int) -> str:
    """Give a second: written once for all its reviews, for that is what costs in a time."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


def _to_json(event: Any) -> str:
    """Write JSON; halves of surrogate pairs, which are no UTF-8, are escaped."""
    try:
        return _encode(event).decode()
    except UnicodeEncodeError:
        return json.dumps(event, default=repr)


def _is_long(value: Any) -> bool:
    """Tell whether there is anything to cap in a value, as `_shortened` does."""
    if isinstance(value, str):
        return len(value) > _LONGEST
    if not isinstance(value, Mapping) or not value:
        return False
    if len(value) > _MOST or max(map(len, map(str, value))) > _LONGEST:
        return True
    return any(map(_is_long, value.values()))


def _shortened(value: Any) -> Any:
    """Cap what a pod's author can put into a line: names come before anybody validated them."""
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"{value[:_LONGEST]}…"
    if isinstance(value, Mapping):
        return {_shortened(key): _shortened(value[key]) for key in list(value)[:_MOST]}
    return value


def _text(line: Mapping[str, Any], *, colours: bool) -> str:
    """Write for people: time, level and event, then the fields, and a traceback below."""
    fields = dict(line)
    when, level, event = fields.pop("timestamp"), fields.pop("level"), fields.pop("event")
    below = fields.pop("exception", "")
    shown = " ".join(f"{name}={_word(value)}" for name, value in fields.items())
    mark = f"\x1b[{_COLOURS[level]}m{level:7}\x1b[0m" if colours else f"{level:7}"
    said = f"{when} {mark} {event:{_NAME_WIDTH}} {shown}".rstrip()
    return f"{said}\n{below}" if below else said


def _word(value: object) -> str:
    plain = isinstance(value, str) and value.isprintable() and value and not set(value) & set(' "=')
    return str(value) if plain else _to_json(value)
