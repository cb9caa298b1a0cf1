"""One change on trial: a forked process imports the changed module and runs the tests it may break.

The parent has imported pytest and the libraries, never our own modules: a trial costs what its
tests cost.
"""

import contextlib
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.mutants.changes import Change, changed
from tests.mutants.loading import Instead

SURVIVED = 0
# Plugins are imported before pytest could rewrite their asserts; nothing is written or shown.
QUIET = (
    "-q", "--no-header", "-p", "no:cacheprovider",
    "-m", "not slow and not long and not controlplane and not attacks",
    "-W", "ignore::pytest.PytestAssertRewriteWarning",
)  # fmt: skip
UNTESTED = 5  # pytest's own: no test was collected
SECONDS = 20.0  # of processor time beyond what a test takes; a change may make an endless loop
ASLEEP = 30.0  # seconds beyond ten times what all tests take: it may wait for ever, too


@dataclass(frozen=True, slots=True)
class Trial:
    """A change, the tests that run it, and the seconds that each takes, where that is known."""

    change: Change
    tests: Sequence[str]
    seconds: Mapping[str, float]

    @property
    def all_seconds(self) -> float:
        """Give the seconds that all of its tests take."""
        return sum(self.seconds.get(test, 0.0) for test in self.tests)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a test noticed."""

    change: Change
    survived: bool
    tests: int


def run(trials: Sequence[Trial], jobs: int, sources: dict[str, str]) -> Iterator[Verdict]:
    """Run trials, so many at a time; give the verdicts as they come."""
    waiting, running = list(trials)[::-1], dict[int, tuple[Trial, float, float]]()
    while waiting or running:
        while waiting and len(running) < jobs:
            trial = waiting.pop()
            if not trial.tests:
                yield Verdict(trial.change, survived=True, tests=0)
                continue
            source = sources[trial.change.module]
            pid = forked(lambda trial=trial, source=source: _try(trial, source))  # type: ignore[misc]
            running[pid] = trial, time.monotonic(), ASLEEP + 10 * trial.all_seconds
        for pid, (trial, began, longest) in list(running.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if not ended and _asleep(pid, began) > longest:
                os.killpg(pid, signal.SIGKILL)
                ended, status = os.waitpid(pid, 0)
            if ended:
                del running[pid]
                # Whatever the change has left running.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
                code = os.waitstatus_to_exitcode(status)
                yield Verdict(trial.change, code in (SURVIVED, UNTESTED), len(trial.tests))
        time.sleep(0.02)


def _asleep(pid: int, began: float) -> float:
    """The seconds in which a process neither ran nor waited for a processor (proc(5), schedstat).

    A busy machine makes no change look as if it hung.
    """
    ran, queued, _ = Path(f"/proc/{pid}/schedstat").read_text().split()
    return time.monotonic() - began - (int(ran) + int(queued)) / 1e9


def forked(work: Callable[[], int], *, output: str = os.devnull) -> int:
    """Do the work in a child of its own process group; give its process id."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.setpgid(0, 0)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        said = os.open(output, os.O_WRONLY | os.O_CREAT)
        for descriptor in (1, 2):
            os.dup2(said, descriptor)
        code = work()
    finally:
        os._exit(code)


def _try(trial: Trial, source: str) -> int:
    _limit(SECONDS)  # for collecting them
    Instead(trial.change.module, changed(source, trial.change)).install()
    return int(pytest.main([*trial.tests, *QUIET, "-x"], [_Limits(trial.seconds)]))


def _limit(seconds: float) -> None:
    """Let the process end once it has run for so many seconds more."""
    until = int(time.process_time() + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))


class _Limits:
    """A plugin that gives each test its own time: one that never ends does not use up all's."""

    def __init__(self, seconds: Mapping[str, float]) -> None:
        self._seconds = seconds

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        _limit(SECONDS + 4 * self._seconds.get(item.nodeid, 0.0))
        return (yield)
