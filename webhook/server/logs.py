"""What gets into the log: notes of the engine, a line of each review, what libraries log."""

import logging

from webhook.admission.admit import Answer
from webhook.core.log_events import LogEvent
from webhook.core.observe import Silent
from webhook.server.log_lines import Level, Log

_REVIEWED = LogEvent.REVIEWED.value
_QUIET = frozenset({"ignored", "unchanged"})


class Journal(Silent):
    """An Observer that writes the notes down; counters are the metrics' business."""

    def __init__(self, log: Log) -> None:
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
            self._log.write("error", event, fields, exception)
        else:
            self._log.write("warning" if "error" in fields else "info", event, fields)


class ReviewLog:
    """Writes the line of each review; a pod that asked for nothing is worth one only at debug."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def write(self, answer: Answer, seconds: float) -> None:
        """Write one line."""
        level: Level = "debug" if answer.result in _QUIET else "info"
        if not self._log.writes(level):
            return
        review = answer.review
        fields = {
            "result": answer.result,
            "uid": review.uid,
            "namespace": review.namespace,
            "pod": review.name,
            "owner": answer.owner,
            "dry_run": review.dry_run,
            "containers": answer.containers or {},
            "milliseconds": round(seconds * 10_000) / 10,
        }
        self._log.write(level, _REVIEWED, fields)


class Bridge(logging.Handler):
    """Makes lines of ours from what libraries log through the standard library."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record down."""
        self._log.write(
            "warning" if record.levelno < logging.ERROR else "error",
            LogEvent.LIBRARY_WARNED,
            {"logger": record.name, "message": record.getMessage().strip()},
            record.exc_info[1] if record.exc_info else None,
        )


def adopt(log: Log) -> None:
    """Send what the process's libraries log, and Python's warnings, through this log."""
    logging.basicConfig(handlers=[Bridge(log)], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
