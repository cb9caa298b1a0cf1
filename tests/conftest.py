"""What every test run says at its end: what was skipped, and how to get it."""

import os
import signal
from collections import Counter

import pytest
from _pytest.terminal import TerminalReporter
from hypothesis import HealthCheck, settings

from tests import leftovers

NOTHING = "INITSHIM_SKIP_NOTHING"
# CI says so, loudly, where one of these programs can't be built.
_NEED = {"KYVERNO": "docs/test_kyverno_agrees.py", "KREW": "packaging/test_krew_installs_it.py"}
collect_ignore = [
    file for name, file in _NEED.items() if os.environ.get(f"INITSHIM_WITHOUT_{name}")
]

# How long laws are searched: minutes under `make fuzz`, a moment under `make quick`. The same
# examples each time, but for `long`; and no deadline, as the machine may be busy.
settings.register_profile(
    "default",
    max_examples=150,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("quick", settings.get_profile("default"), max_examples=20)
settings.register_profile(
    "long", settings.get_profile("default"), max_examples=2000, derandomize=False
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_configure(config: pytest.Config) -> None:
    """Let nothing outlive the run; leave out what `make fuzz` and `make integration` are for."""
    if not os.environ.get("INITSHIM_LONG") and not config.option.markexpr:
        config.option.markexpr = "not long and not controlplane and not attacks and not node"
    _start_as_a_shell_does()
    if not hasattr(config, "workerinput"):  # xdist's workers are the run's own
        leftovers.end_with_this_process()


def _start_as_a_shell_does() -> None:
    """Let no program under test inherit that a signal is ignored, as `nohup … &` has it.

    What is handled here is the default again in a program that is started (execve(2)). Nor that it
    keeps nothing in its buffers, as containers of Python have it: what is left there when it ends
    is then never met.
    """
    os.environ.pop("PYTHONUNBUFFERED", None)
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


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
