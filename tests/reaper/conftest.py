"""The axes of the reaper's tests, as fixtures: PID 1 or not, terminal or pipes, option sets.

`INITSHIM_TEST_ELF=/usr/bin/tini INITSHIM_TEST_DEADLINE=3 pytest tests/reaper` holds another init
to the same tests.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import initshim
from tests.reaper import kernel, need
from tests.reaper.process import Launcher

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session", autouse=True)
def start_as_a_shell_does() -> None:
    """Neither ignore nor block a signal that the programs under test would inherit.

    `nohup` ignores HUP, and a shell without job control INT and QUIT in what it starts with `&`.
    glibc's posix_spawn ignores 32 and 33 in the child of a program that has used them (spawni.c),
    and its sigaction refuses to undo that. Python ignores PIPE and
    XFSZ for itself, and not in what it starts.
    """
    for number in set(range(1, 65)) - {signal.SIGPIPE, signal.SIGXFSZ}:
        kernel.stop_ignoring(number)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One worker at a time: who comes later finds what the first has made."""
    with (Path(tempfile.gettempdir()) / f"initshim-build-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(*arguments: str) -> None:
    """Run the project's own build."""
    command = [sys.executable, "-m", "initshim.build", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "built"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def elf() -> Path:
    """The reaper's ELF for this machine, built where it is missing."""
    given = os.environ.get("INITSHIM_TEST_ELF")
    if given:
        return Path(given).resolve()
    with alone():
        try:
            return Path(initshim.path())
        except FileNotFoundError:
            build()
            return Path(initshim.path())


@pytest.fixture
def reaper(elf: Path) -> Iterator[Launcher]:
    """Starts the reaper; whatever a test leaves running is killed."""
    launcher = Launcher(elf)
    yield launcher
    launcher.close()


@pytest.fixture(scope="session")
def namespaces() -> None:
    """PID namespaces can be made here."""
    need.namespaces()


@pytest.fixture(params=["ordinary", "pid1"])
def pid1(request: pytest.FixtureRequest) -> bool:
    """As an ordinary process, and as PID 1 of a namespace of its own."""
    if request.param == "pid1":
        request.getfixturevalue("namespaces")
    return bool(request.param == "pid1")


@pytest.fixture(params=["pipes", "terminal"])
def terminal(request: pytest.FixtureRequest) -> bool:
    """With /dev/null and pipes, and with a pseudoterminal as all three descriptors."""
    return bool(request.param == "terminal")


@pytest.fixture(
    params=[(), ("-g",), ("-s", "-vv"), ("--linger", "1", "--kill-group")],
    ids=lambda options: " ".join(options) or "plain",
)
def options(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Option sets that must not change what is common to all."""
    chosen: tuple[str, ...] = request.param
    return chosen
