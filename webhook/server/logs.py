"""Logs: one line an event, JSON for machines or text for people, to standard error."""

import logging
import sys
from typing import TYPE_CHECKING, Literal, TextIO

import structlog

from webhook.core.observe import CacheEvent

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger, Processor


class Journal:
    """An Observer that writes the notes down; counters are the metrics' business."""

    def __init__(self, log: "FilteringBoundLogger") -> None:
        self._log = log

    def container(self, outcome: str) -> None:
        """See Observer."""

    def lookup(self, registry: str, outcome: str, seconds: float) -> None:
        """See Observer: a lookup that failed is worth a line."""
        if outcome != "ok":
            self._log.info(
                "lookup failed", registry=registry, reason=outcome, seconds=round(seconds, 3)
            )

    def cache(self, event: CacheEvent) -> None:
        """See Observer."""

    def note(self, event: str, **fields: object) -> None:
        """See Observer. An `error` is a warning; an `exception` brings its traceback along."""
        exception = fields.pop("exception", None)
        if isinstance(exception, BaseException):
            self._log.error(event, exc_info=exception, **fields)
        elif "error" in fields:
            self._log.warning(event, **fields)
        else:
            self._log.info(event, **fields)


def logger(
    level: str, form: Literal["json", "text"], out: TextIO = sys.stderr
) -> "FilteringBoundLogger":
    """Make the logger; nothing global is configured."""
    shown: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if form == "json":
        shown += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        shown += [structlog.dev.ConsoleRenderer(colors=out.isatty(), sort_keys=False)]
    log: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(out),
        processors=shown,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        cache_logger_on_first_use=True,
    )
    return log
