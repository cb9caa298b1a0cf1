"""The log's events: one style, each in the table with its fields, each used, each found by grep."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.docs.blocks import PAGES, ROOT, commands
from webhook.core.log_events import LogEvent

WRITERS = {"note", "_note_failure", "debug", "info", "warning", "error", "exception", "critical"}
LOGS = {"log", "_log", "logger", "_logger", "observer", "_observer", "self", "journal"}


@dataclass(frozen=True, slots=True)
class Written:
    """A place in the code that writes a line: what stands for the event, and the fields' names."""

    where: str
    event: ast.expr
    fields: frozenset[str]


def written(source: str, name: str) -> Iterator[Written]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called = node.func
        if isinstance(called, ast.IfExp):  # (log.debug if quiet else log.info)(…)
            called = called.body
        if isinstance(called, ast.Attribute) and called.attr in WRITERS and is_log(called.value):
            fields = frozenset(each.arg for each in node.keywords if each.arg) - {"exc_info"}
            yield Written(f"{name}:{node.lineno}", node.args[0], fields)


def is_log(node: ast.expr) -> bool:
    return (node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")) in LOGS


def everywhere() -> Iterator[Written]:
    for file in sorted((ROOT / "webhook").rglob("*.py")):
        yield from written(file.read_text(), str(file.relative_to(ROOT)))


def event_of(place: Written) -> LogEvent | None:
    """Give the event that is named; None where a parameter `event` is passed on."""
    event = place.event
    if isinstance(event, ast.Name) and event.id == "event":
        return None
    assert isinstance(event, ast.Attribute), place.where
    assert isinstance(event.value, ast.Name), place.where
    assert event.value.id == "LogEvent", place.where
    return LogEvent[event.attr]


def test_every_line_is_written_by_an_event_of_the_table_with_fields_of_its_row() -> None:
    places = list(everywhere())
    assert len(places) > 20
    for place in places:
        event = event_of(place)
        assert event is None or place.fields <= set(event.fields), place.where


def test_a_line_with_words_of_its_own_would_be_found() -> None:
    for line in ('log.info("it works")', 'self._observer.note("trouble", error="x")'):
        (place,) = written(line, "x.py")
        with pytest.raises(AssertionError, match=r"x\.py"):
            event_of(place)
    (more,) = written("observer.note(LogEvent.STOPPED, secret=1)", "x.py")
    assert not more.fields <= set(LogEvent.STOPPED.fields)


def test_no_event_is_in_the_table_that_nobody_writes() -> None:
    source = "".join(file.read_text() for file in (ROOT / "webhook").rglob("*.py"))
    unused = [each for each in LogEvent if f"LogEvent.{each.name}" not in source]
    assert unused == []


@pytest.mark.parametrize("event", LogEvent)
def test_an_event_has_the_one_style_and_says_what_it_means(event: LogEvent) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", event)
    assert event.name == event.replace("-", "_").upper()
    assert event.meaning.endswith(".")
    assert len(set(event.fields)) == len(event.fields)
    assert f"| `{event}` |" in (ROOT / "docs" / "logs.md").read_text()


def test_what_the_pages_grep_for_is_an_event_or_begins_some() -> None:
    greps = [line for _, line in commands() if " logs " in line and "| grep " in line]
    assert len(greps) >= 3
    for line in greps:
        word = line.rpartition("| grep ")[2].split()[0].strip("'\"")
        assert any(event.startswith(word) for event in LogEvent), line


def test_what_the_pages_call_the_logs_line_is_an_event() -> None:
    named = [
        word for page in PAGES for word in re.findall(r"log(?:'s)?,? `([a-z-]+)`", page.read_text())
    ]
    assert named
    assert set(named) <= {*LogEvent, "event"}
