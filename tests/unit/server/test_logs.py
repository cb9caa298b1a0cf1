"""The logs: a line an event, and nothing in it that should not be."""

import errno
import io
import json
import logging
import re
import warnings
from pathlib import Path
from typing import Any

import pytest

from webhook.core.log_events import LogEvent
from webhook.server.log_lines import Log
from webhook.server.logs import Bridge, Journal, adopt

SECRET = "hunter2-in-a-variable"


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def failure() -> Exception:
    def inner(password: str) -> None:
        assert password
        raise RuntimeError("a bug")

    try:
        inner(SECRET)
    except RuntimeError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_traceback_comes_without_the_values_of_variables(form: Any) -> None:
    """Some libraries show people every frame's locals: one of them is the pod."""
    out = io.StringIO()
    Journal(Log("info", form, out)).note(LogEvent.REVIEW_FAILED, exception=failure(), uid="u")
    assert "RuntimeError: a bug" in out.getvalue()
    assert "inner" in out.getvalue()
    assert SECRET not in out.getvalue()


def test_json_is_one_line_an_event_whatever_is_in_it() -> None:
    out = io.StringIO()
    log = Log("info", "json", out)
    log.info("reviewed", uid="a\nb\x1b[31m\u2028", pod="\ud800", containers={"é": "wrapped"})
    log.write("error", "failed", {}, failure())
    first, second = lines(out)
    assert first["uid"] == "a\nb\x1b[31m\u2028"
    assert second["level"] == "error"
    assert out.getvalue().isascii()


def test_a_line_has_a_largest_size_whatever_a_pods_author_writes() -> None:
    out = io.StringIO()
    long = "x" * 3_000_000
    Log("info", "json", out).info(
        "reviewed", pod=long, containers={f"{n}{long[:600]}": long for n in range(500)}
    )
    (line,) = lines(out)
    assert len(out.getvalue()) < 200_000
    assert line["pod"].endswith("…")


def test_many_short_values_are_a_long_line_that_is_written_whole() -> None:
    out = io.StringIO()
    containers = {f"container-{n}": "wrapped" for n in range(100)}
    Log("info", "json", out).info("reviewed", milliseconds=1.5, skipped={}, containers=containers)
    (line,) = lines(out)
    assert (line["containers"], line["milliseconds"]) == (containers, 1.5)


def test_of_more_entries_than_anybody_reads_the_first_are_written() -> None:
    out = io.StringIO()
    Log("info", "json", out).info("reviewed", containers={f"c{n}": "wrapped" for n in range(500)})
    (line,) = lines(out)
    assert list(line["containers"]) == [f"c{n}" for n in range(128)]


def test_a_name_that_is_too_long_is_cut() -> None:
    out = io.StringIO()
    Log("debug", "json", out).debug("reviewed", containers={"c" * 600: "wrapped"})
    (line,) = lines(out)
    assert line["level"] == "debug"
    assert line["containers"] == {f"{'c' * 512}…": "wrapped"}


def test_a_value_of_any_type_is_written_and_nothing_fails_over_it() -> None:
    out = io.StringIO()
    Log("info", "json", out).info("start", folder=Path("/tmp"), big=1 << 70, names=("a", "b"))
    (line,) = lines(out)
    assert line["names"] == ["a", "b"]
    assert "/tmp" in line["folder"]
    assert line["big"] == 1 << 70


def test_text_is_one_line_an_event_whatever_is_in_it() -> None:
    out = io.StringIO()
    Log("info", "text", out).warning("told", pod="a\nb\x1b[31m", name="plain", empty="", ok=True)
    (line,) = out.getvalue().splitlines()
    assert line.split(maxsplit=3)[1:] == [
        "warning",
        "told",
        r'pod="a\nb\u001b[31m" name=plain empty="" ok=true',
    ]


def test_only_a_terminal_gets_colours() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal, file = Terminal(), io.StringIO()
    for out in (terminal, file):
        Log("info", "text", out).error("broken")
    assert "\x1b[31merror" in terminal.getvalue()
    assert "\x1b" not in file.getvalue()
    json_on_terminal = Terminal()
    Log("info", "json", json_on_terminal).error("broken")
    assert "\x1b" not in json_on_terminal.getvalue()


def test_a_time_is_utc_to_the_microsecond_also_on_the_full_second() -> None:
    out = io.StringIO()
    Log("info", "json", out).info("told")
    (line,) = lines(out)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["timestamp"])


def test_a_level_leaves_out_what_is_less_severe() -> None:
    out = io.StringIO()
    log = Log("warning", "json", out)
    log.info("no")
    log.warning("yes")
    assert [line["event"] for line in lines(out)] == ["yes"]


def test_a_full_disk_does_not_fail_a_review() -> None:
    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    out = Full()
    Log("info", "json", out).info("reviewed")
    out.close()
    Log("info", "json", out).info("reviewed")  # nor does a closed stream


def test_notes_are_as_severe_as_what_they_tell() -> None:
    out = io.StringIO()
    journal = Journal(Log("info", "json", out))
    journal.note(LogEvent.SERVING, port=1)
    journal.note(LogEvent.CERTIFICATE_FAILED, error="it does not work")
    journal.note(LogEvent.REVIEW_FAILED, exception=failure())
    journal.lookup("docker.io", "ok", 0.1)
    journal.lookup("docker.io", "timed-out", 0.12345)
    assert [(line["event"], line["level"]) for line in lines(out)] == [
        ("serving", "info"),
        ("certificate-failed", "warning"),
        ("review-failed", "error"),
        ("lookup-failed", "info"),
    ]
    assert lines(out)[-1]["seconds"] == 0.123


def test_what_libraries_log_becomes_lines_too() -> None:
    out = io.StringIO()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        root.handlers = []
        with warnings.catch_warnings():
            adopt(Log("info", "json", out))
            logging.getLogger("asyncio").error("socket.%s() failed", "accept")
            logging.getLogger("httpx").info("GET https://…")
            warnings.simplefilter("always")
            warnings.warn("old", DeprecationWarning, stacklevel=1)
    finally:
        logging.captureWarnings(capture=False)
        root.handlers, root.level = before, level
    first, second = lines(out)
    assert first["message"] == "socket.accept() failed"
    assert (first["logger"], first["level"]) == ("asyncio", "error")
    assert second["logger"] == "py.warnings"


def test_the_bridge_brings_tracebacks_along() -> None:
    out = io.StringIO()
    error = failure()
    raised = (type(error), error, error.__traceback__)
    record = logging.LogRecord(
        "uvicorn.error", logging.ERROR, "x.py", 1, "Exception in ASGI application\n", (), raised
    )
    Bridge(Log("info", "json", out)).handle(record)
    (line,) = lines(out)
    assert line["message"] == "Exception in ASGI application"
    assert "RuntimeError: a bug" in line["exception"]
