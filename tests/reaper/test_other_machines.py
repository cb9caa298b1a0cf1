"""The same reaper on other processors, one of them big-endian, under qemu's user mode."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import initshim
from tests.reaper import kernel, need
from tests.reaper.conftest import alone, build
from tests.reaper.process import Launcher, python, shell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.reaper.process import Running

MACHINES = {"arm64": "aarch64", "s390x": "s390x"}


@pytest.fixture(scope="module", params=MACHINES)
def machine(request: pytest.FixtureRequest, built: Path) -> tuple[str, Path]:
    """The emulator and the reaper for one machine."""
    qemu = need.tool(f"qemu-{MACHINES[request.param]}-static", "qemu-user-static")
    need.module("ziglang", "ziglang")
    need.module("Cython", "cython")
    elf = built / f"initshim-linux-{request.param}"
    with alone():
        if not elf.exists():
            build("--target", request.param, "--out", str(built))
    return qemu, elf


@pytest.fixture
def emulated(machine: tuple[str, Path]) -> Iterator[Launcher]:
    """Starts the emulator with the reaper in it."""
    launcher = Launcher(machine[1])
    yield launcher
    launcher.close()


def command(machine: tuple[str, Path], *words: str) -> list[str]:
    qemu, elf = machine
    return [qemu, str(elf), *words]


def start(emulated: Launcher, machine: tuple[str, Path], *words: str) -> Running:
    """The emulator is the process: its executable is the one to look for."""
    running = emulated.raw(command(machine, *words))
    running.executable = Path(machine[0])
    return running


def test_exit_codes(emulated: Launcher, machine: tuple[str, Path]) -> None:
    for code in (0, 1, 2, 99, 127, 128, 200, 255):
        running = start(emulated, machine, "--", *shell(f"exit {code}"))
        assert running.wait() == code
    running = start(emulated, machine, "-e", "143", "--", *shell("kill -TERM $$"))
    assert running.wait() == 0
    running = start(emulated, machine, "--", *shell("kill -KILL $$"))
    assert running.wait() == 137


def test_failures_of_exec(emulated: Launcher, machine: tuple[str, Path]) -> None:
    running = start(emulated, machine, "--", "/missing")
    assert running.err.rest() == "initshim: cannot run /missing: No such file or directory\n"
    assert running.wait() == 127
    assert start(emulated, machine, "--", "/etc/passwd").wait() == 126


def test_signals_are_forwarded(emulated: Launcher, machine: tuple[str, Path]) -> None:
    running = start(emulated, machine, "-r", "HUP:USR1", "--", *python("witness.py"))
    running.out.expect("ready")
    running.out.line()
    for sent, arrives in ((15, 15), (2, 2), (10, 10), (12, 12), (1, 10), (28, 28), (40, 40)):
        running.send(sent)
        assert running.out.line().split()[0] == str(arrives)


def test_orphans_are_reaped(emulated: Launcher, machine: tuple[str, Path]) -> None:
    """Each orphan is an emulator of its own that the emulated reaper has adopted."""
    running = start(emulated, machine, "-vv", "--", *python("orphans.py", "20", "5"))
    running.out.expect("done")
    pid = running.pid
    kernel.wait_until(lambda: len(kernel.children(pid)) == 1, "all orphans are gone")
    running.send(signal.SIGTERM)
    assert running.wait() == 143


def test_the_command_line(emulated: Launcher, machine: tuple[str, Path]) -> None:
    running = start(emulated, machine, "--version")
    assert running.out.rest() == f"initshim {initshim.__version__}\n"
    running = start(emulated, machine, "--unknown")
    assert running.wait() == 2


def test_it_is_an_executable_of_that_machine(machine: tuple[str, Path]) -> None:
    head = machine[1].read_bytes()[:20]
    big = head[5] == 2
    number = int.from_bytes(head[18:20], "big" if big else "little")
    assert (number, big) == {"arm64": (183, False), "s390x": (22, True)}[
        machine[1].name.rpartition("-")[2]
    ]
