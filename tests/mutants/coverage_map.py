"""Which tests run which line: one run of a room's tests under coverage, a context for each test."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import coverage
import pytest

from tests.mutants.trial import QUIET

NO_TEST = ""
"""The context of what runs outside of tests."""


@dataclass(frozen=True, slots=True)
class Map:
    """The tests' seconds, and of each file's lines the tests that run them.

    NO_TEST among them: a line that is run where no test is, at import or while tests are collected.
    """

    seconds: Mapping[str, float]
    lines: Mapping[str, Mapping[int, frozenset[str]]]

    def needs_all(self, file: str, line: int) -> bool:
        """Tell whether any test may depend on a line: what it made is a field's default, say."""
        return NO_TEST in self.lines.get(file, {}).get(line, ())

    @property
    def fastest_first(self) -> list[str]:
        """Every test."""
        return sorted(self.seconds, key=lambda test: (self.seconds[test], test))

    def tests(self, file: str, line: int, inside: tuple[int, int]) -> list[str]:
        """Give the tests that run a line, fastest first.

        What runs at import (a constant, a default) has none of its own: those that run any line of
        the function around it, or of the module.
        """
        known = self.lines.get(file, {})
        found = known.get(line, frozenset()) - {NO_TEST}
        first, last = inside
        if not found and last:
            found = frozenset().union(*(known.get(n, ()) for n in range(first, last + 1)))
        if not found and not last:
            found = frozenset().union(*known.values())
        tests = found - {NO_TEST}
        return sorted(tests, key=lambda test: (self.seconds.get(test, 0.0), test))


class _Contexts:
    """A plugin that names the test whose lines are being run, and times it."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self._measured = measured
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._measured.switch_context(item.nodeid)
        began = time.perf_counter()
        result = yield
        self.seconds[item.nodeid] = time.perf_counter() - began
        self._measured.switch_context(NO_TEST)
        return result


def measure(tests: Sequence[str], sources: Sequence[str], out: Path) -> int:
    """Run the tests and write a map; give pytest's exit code. Only in a process of its own."""
    measured = coverage.Coverage(
        data_file=None, config_file=False, include=[f"{each}*" for each in sources]
    )
    contexts = _Contexts(measured)
    measured.start()
    code = pytest.main([*tests, *QUIET], [contexts])
    measured.stop()
    data = measured.get_data()
    files = {file: _lines(data, file) for file in data.measured_files()}
    out.write_text(json.dumps({"seconds": contexts.seconds, "lines": files}))
    return int(code)


def read(file: Path) -> Map:
    """Read what measure() wrote."""
    found = json.loads(file.read_text())
    lines = {
        name: {int(line): frozenset(tests) for line, tests in known.items()}
        for name, known in found["lines"].items()
    }
    return Map(found["seconds"], lines)


def _lines(data: coverage.CoverageData, file: str) -> dict[int, list[str]]:
    return dict(data.contexts_by_lineno(file))
