"""Logs: one line an event, JSON for machines or text for people, to standard error.

Nothing of a pod but names gets here: a traceback comes without the values of its variables, for
one of them is the pod, with the passwords in its environment.
"""

import json
import logging
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TextIO

import orjson
import structlog

from webhook.core.log_events import LogEvent
from webhook.core.observe import Silent

if TYPE_CHECKING:
    from structlog.typing import EventDict, FilteringBoundLogger, Processor

    from webhook.admission.admit import Answer

_LONGEST = 512
_MOST = 128


class Journal(Silent):
    """An Observer that writes the notes down; counters are the metrics' business."""

    def __init__(self, log: "FilteringBoundLogger") -> None:
        self._log = log

    def lookup(self, registry: str, outcome: str, seconds: float) -> None:
        """See Observer: a lookup that failed is worth a line."""
        if outcome != "ok":
            self._log.info(
                LogEvent.LOOKUP_FAILED, registry=registry, reason=outcome, seconds=round(seconds, 3)
            )

    def note(self, event: LogEvent, **fields: object) -> None:
        """See Observer. An `error` is a warning; an `exception` brings its traceback along."""
        exception = fields.pop("exception", None)
        if isinstance(exception, BaseException):
            self._log.error(event, exc_info=exception, **fields)
        elif "error" in fields:
            self._log.warning(event, **fields)
        else:
            self._log.info(event, **fields)


class ReviewLog:
    """Writes the line of each review, which is written often, past the logger's machinery.

    A pod that asked for nothing is worth one only to who debugs.
    """

    def __init__(self, level: str, form: Literal["json", "text"], out: TextIO = sys.stderr) -> None:
        self._log = logger(level, form, out)
        self._out = Lines(out) if form == "json" else None
        least = logging.getLevelName(level.upper())
        self._info, self._debug = least <= logging.INFO, least <= logging.DEBUG

    def write(self, answer: "Answer", seconds: float) -> None:
        """Write one line."""
        quiet = answer.result in ("ignored", "unchanged")
        if not (self._debug if quiet else self._info):
            return
        review = answer.review
        fields: EventDict = {
            "result": answer.result,
            "uid": review.uid,
            "namespace": review.namespace,
            "pod": review.name,
            "owner": answer.owner,
            "dry_run": review.dry_run,
            "containers": answer.containers or {},
            "milliseconds": round(seconds * 1000, 1),
        }
        if self._out is None:
            (self._log.debug if quiet else self._log.info)(LogEvent.REVIEWED, **fields)
            return
        line = {"event": LogEvent.REVIEWED, **fields, "level": "debug" if quiet else "info"}
        line["timestamp"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        text = _json(line)
        # Only a long line can hold something that is too long.
        self._out.msg(text if len(text) <= _LONGEST else _json(_cut(None, "", line)))


class Lines:
    """Writes lines; where they can't be written (a full disk, a closed pipe) the work goes on."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def msg(self, line: str) -> None:
        """Write one line."""
        with suppress(OSError, ValueError):
            self._out.write(f"{line}\n")
            self._out.flush()

    log = debug = info = warning = error = critical = fatal = exception = msg


class Bridge(logging.Handler):
    """Makes lines of ours from what libraries log through the standard library."""

    def __init__(self, log: "FilteringBoundLogger") -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record down."""
        self._log.log(
            record.levelno,
            LogEvent.LIBRARY_WARNED,
            logger=record.name,
            message=record.getMessage().strip(),
            exc_info=record.exc_info,
        )


def adopt(log: "FilteringBoundLogger") -> None:
    """Send what the process's libraries log, and Python's warnings, through this logger."""
    logging.basicConfig(handlers=[Bridge(log)], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)


def logger(
    level: str, form: Literal["json", "text"], out: TextIO = sys.stderr
) -> "FilteringBoundLogger":
    """Make the logger; nothing global is configured."""
    shown: list[Processor] = [
        _cut,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if form == "json":
        shown += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_json)]
    else:
        shown += [_console(out)]
    log: FilteringBoundLogger = structlog.wrap_logger(
        Lines(out),
        processors=shown,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        cache_logger_on_first_use=True,
    )
    return log


def _console(out: TextIO) -> structlog.dev.ConsoleRenderer:
    """Make the renderer for people: its own default would show the variables of each frame."""
    return structlog.dev.ConsoleRenderer(
        colors=out.isatty(),
        sort_keys=False,
        exception_formatter=structlog.dev.plain_traceback,
    )


def _json(event: Any, **how: Any) -> str:
    """Write JSON; what orjson refuses (halves of surrogate pairs) the standard library escapes."""
    try:
        return orjson.dumps(event, **how).decode()
    except orjson.JSONEncodeError:
        return json.dumps(event, **how)


def _cut(_logger: Any, _method: str, event: "EventDict") -> "EventDict":
    """Cap what a pod's author can put into a line: names come before anybody validated them."""
    return {key: _shortened(value) for key, value in event.items()}


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"{value[:_LONGEST]}…"
    if isinstance(value, Mapping):
        return {_shortened(key): _shortened(value[key]) for key in list(value)[:_MOST]}
    return value
