"""Each system call denied in turn: a second way or an end with a sentence; no spin, no hang.

What each denial does is a row of docs/how-it-works.md, which this reads.
"""

from __future__ import annotations

import os
import platform
import re
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from initshim.build import REAPER
from tests.c_programs import compiled
from tests.reaper import kernel, need
from tests.reaper.process import PROGRAMS, python, shell

if TYPE_CHECKING:
    from tests.reaper.process import Launcher

ROOT = Path(__file__).parents[2]
NUMBERS = {
    "chdir": 80, "clone": 56, "close": 3, "close_range": 436, "exit": 60, "exit_group": 231,
    "fchmod": 91, "fork": 57, "fsync": 74, "getpgid": 121, "getpid": 39, "getppid": 110,
    "getsid": 124, "getuid": 102, "ioctl": 16, "kill": 62, "openat": 257, "pipe2": 293,
    "prctl": 157, "read": 0, "readlinkat": 267, "rename": 82, "rt_sigaction": 13,
    "rt_sigprocmask": 14, "rt_sigqueueinfo": 129, "rt_sigtimedwait": 128, "setgroups": 116,
    "setitimer": 38, "setpgid": 109, "setresgid": 119, "setresuid": 117, "signalfd4": 289,
    "statx": 332, "timer_create": 222, "timer_settime": 223, "times": 100, "tkill": 200,
    "unlinkat": 263, "wait4": 61, "waitid": 247, "write": 1,
}  # fmt: skip
"""x86-64's."""
ROW = re.compile(r"^\| (`[a-z0-9_`, ]+`) \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
DENIALS = {"EPERM": "1", "ENOSYS": "38", "kill": "kill"}
SENTENCE = re.compile(r"initshim: cannot [^\n]+: (Operation not permitted|Function not [a-z]+)\n")


def rows() -> dict[tuple[str, ...], str]:
    """Of the page's table: the calls that are denied together, and what that does."""
    page = (ROOT / "docs" / "how-it-works.md").read_text()
    table = page[page.index("| call denied |") :].partition("\n\n")[0]
    return {tuple(re.findall(r"`(\w+)`", calls)): does for calls, does in ROW.findall(table)}


@pytest.fixture(scope="module")
def bare() -> str:
    """A program that calls almost nothing itself, for it is under the same denial."""
    if platform.machine() != "x86_64":
        pytest.skip("needs x86-64: the program and the numbers are its own")
    need.module("ziglang", "ziglang")
    return str(compiled(PROGRAMS / "bare.c", "-nostdlib", "-O1", "-fno-stack-protector"))


def denying(calls: tuple[str, ...], denial: str) -> list[str]:
    return python("deny.py", ",".join(str(NUMBERS[call]) for call in calls), DENIALS[denial])


@pytest.mark.parametrize("calls", rows(), ids=",".join)
@pytest.mark.parametrize("denial", ["EPERM", "ENOSYS"])
def test_a_denied_call_does_what_the_page_says(
    reaper: Launcher, bare: str, pid1: bool, calls: tuple[str, ...], denial: str
) -> None:
    does = rows()[calls]
    wrap = denying(calls, denial)
    done = reaper.run([bare, "end"], ("-t", "/none"), pid1=pid1, wrap=wrap)
    if does.startswith("**125**"):
        assert done.returncode == 125
        assert SENTENCE.fullmatch(done.stderr)
        return
    if does.startswith("ends by a fault"):
        assert -done.returncode in {signal.SIGILL, signal.SIGTRAP, signal.SIGSEGV}
        return
    assert (done.returncode, done.stderr) == (7, "")
    running = reaper.start([bare], ("-t", "/none"), pid1=pid1, wrap=wrap)
    running.out.expect("ready\n")
    kernel.wait_until(lambda: kernel.state(running.pid) == "S", "it sleeps")
    running.send(signal.SIGTERM)
    if does.startswith("**signals"):
        assert running.err.line().startswith("initshim: cannot forward TERM to ")
        running.send(signal.SIGHUP)
        kernel.wait_until(lambda: not kernel.signals(running.pid, "ShdPnd"), "both were taken")
        kernel.wait_until(lambda: kernel.state(running.pid) == "S", "it sleeps")
        return
    assert running.wait() == 143
    assert running.err.rest() == ""


@pytest.mark.parametrize("denial", ["EPERM", "ENOSYS"])
def test_without_kill_a_signal_that_was_sent_to_the_thread_is_queued(
    reaper: Launcher, bare: str, pid1: bool, denial: str
) -> None:
    """The kernel lets nobody queue one as it came: with the code of a signal to a thread."""
    running = reaper.start([bare], ("-t", "/none"), pid1=pid1, wrap=denying(("kill",), denial))
    running.out.expect("ready\n")
    kernel.send_to_thread(running.pid, signal.SIGTERM)
    assert running.wait() == 143
    assert running.err.rest() == ""


@pytest.mark.parametrize("denial", ["EPERM", "ENOSYS"])
def test_without_a_timer_linger_kills_at_once(reaper: Launcher, denial: str) -> None:
    """Without an end to the wait there is none: not even for who ignores TERM."""
    if platform.machine() != "x86_64":
        pytest.skip("needs x86-64: the numbers are its own")
    script = "trap '' TERM; sleep 1000 <&- >&- 2>&- & echo $!; exit 7"
    running = reaper.start(shell(script), ("-l", "1000"), wrap=denying(("setitimer",), denial))
    stray = int(running.out.line())
    assert running.wait() == 7
    kernel.wait_until(lambda: not kernel.alive(stray), "the stray was killed")


def test_an_error_without_words_is_told_by_its_number(elf: Path, tmp_path: Path) -> None:
    """Whatever it is: the numbers that are letters, too, for what comes behind the list is text."""
    if platform.machine() != "x86_64":
        pytest.skip("needs x86-64: the numbers are its own")
    for number in range(1, 134):
        wrap = python("deny.py", str(NUMBERS["fsync"]), str(number))
        command = [*wrap, str(elf), "--install", str(tmp_path / "init")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        said = done.stderr.removeprefix(f"initshim: cannot install {tmp_path / 'init'}: ")
        assert said in {f"{os.strerror(number)}\n", f"error {number}\n"}
        assert done.returncode == 125
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("call", sorted({call for calls in rows() for call in calls}))
def test_a_call_that_kills_is_an_end(reaper: Launcher, bare: str, pid1: bool, call: str) -> None:
    """The kernel ends the reaper, or its child, with SIGSYS; or the call was not made."""
    done = reaper.run([bare, "end"], ("-t", "/none"), pid1=pid1, wrap=denying((call,), "kill"))
    assert done.returncode in {7, -signal.SIGSYS, 128 + signal.SIGSYS}


def test_the_page_has_every_call_of_the_source() -> None:
    told = {call for calls in rows() for call in calls}
    folder = ROOT / "initshim"
    shared = re.sub(r"enum: SYS_\w+", "", (folder / "linux.pxd").read_text())
    sources = [shared, *((folder / f"{name}.py").read_text() for name in REAPER.modules)]
    made = {call for source in sources for call in re.findall(r"\bSYS_([a-z0-9_]+)", source)}
    made -= {"execve"}  # that can't be denied to us: the runtime starts us with it
    made -= {"setresuid32", "setresgid32", "setgroups32", "timer_settime32"}  # 32-bit names
    assert made <= told
    assert told <= set(NUMBERS)
