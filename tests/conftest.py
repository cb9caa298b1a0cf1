"""What every test run says at its end: what was skipped, and how to get it."""

import os
from collections import Counter

import pytest
from _pytest.terminal import TerminalReporter

from tests import leftovers

NOTHING = "INITSHIM_SKIP_NOTHING"


def pytest_configure(config: pytest.Config) -> None:
    """Let nothing outlive the run; leave out what `make fuzz` and `make integration` are for."""
    if not os.environ.get("INITSHIM_LONG") and not config.option.markexpr:
        config.option.markexpr = "not long and not controlplane and not attacks"
    if not hasattr(config, "workerinput"):  # xdist's workers are the run's own
        leftovers.end_with_this_process()


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """An async test runs on asyncio's own loop; the ones on the webhook's say so."""
    return "asyncio", {"use_uvloop": False}


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Name each missing thing once."""
    reasons = _reasons(terminalreporter)
    if reasons:
        terminalreporter.section("skipped")
    for reason, count in sorted(reasons.items()):
        terminalreporter.line(f"{count:4} tests: {reason}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a run that may skip nothing and did."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get(NOTHING) and reporter and not exitstatus and _reasons(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _reasons(reporter: TerminalReporter) -> Counter[str]:
    found: Counter[str] = Counter()
    for report in reporter.stats.get("skipped", []):
        longrepr = report.longrepr
        reason = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
        found[reason.removeprefix("Skipped: ")] += 1
    return found
