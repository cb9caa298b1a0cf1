"""An entrypoint that drops to another user, where we lack KILL; and becoming that user as PID 1."""

from __future__ import annotations

import errno
import os
import platform
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.reaper import kernel, need
from tests.reaper.process import python, shell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.reaper.process import Launcher, Running

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("as_root")]

NO_KILL = ("setpriv", "--bounding-set=-all,+setuid,+setgid", "--inh-caps=-all", "--")
"""A container's securityContext: capabilities {drop: [ALL], add: [SETUID, SETGID]}."""
DROP = ("setpriv", "--reuid=999", "--regid=998", "--clear-groups", "--")
LOOP = "echo up; while :; do sleep 0.01; done"


@pytest.fixture(scope="module")
def as_root() -> None:
    need.root()
    need.tool("setpriv", "util-linux")


def dropped(script: str) -> list[str]:
    """An entry script of root's that becomes a program of uid 999."""
    return shell('exec "$@"', *DROP, *shell(script))


def uids(pid: int) -> list[str]:
    return kernel.status(pid)["Uid"].split()


def switches(pid: int) -> int:
    """How often a process has gone to sleep of its own."""
    return int(kernel.status(pid)["voluntary_ctxt_switches"])


def reads(pid: int) -> int:
    """How often a thread has called read; of the whole process its dead children's count, too."""
    counters = Path(f"/proc/{pid}/task/{pid}/io").read_text()
    return int(re.findall(r"syscr: (\d+)", counters)[0])


def woken(running: Running) -> bool:
    """Wake it by a signal that the program does nothing about; whether it is the program's user."""
    running.send(signal.SIGWINCH)
    return uids(running.pid) == ["999"] * 4


def start(
    reaper: Launcher, script: str, *options: str, pid1: bool, wrap: Sequence[str] = NO_KILL
) -> Running:
    running = reaper.start(dropped(script), options, pid1=pid1, wrap=wrap)
    running.out.expect("up\n")
    return running


@pytest.mark.parametrize(
    "options", [(), ("-k",), ("-g",), ("-l", "1"), ("--keep-user", "-v")], ids=" ".join
)
def test_term_arrives_without_the_capability(
    reaper: Launcher, options: tuple[str, ...], pid1: bool
) -> None:
    running = start(reaper, f"trap 'echo term; exit 3' TERM; {LOOP}", *options, pid1=pid1)
    running.send(15)
    assert running.out.expect("term\n")
    assert running.wait() == 3
    assert "cannot" not in running.err.rest()


@pytest.mark.usefixtures("namespaces")
def test_all_reaches_it_without_the_capability(reaper: Launcher) -> None:
    running = start(reaper, f"trap 'echo term; exit 3' TERM; {LOOP}", "-a", pid1=True)
    running.send(15)
    running.out.expect("term\n")
    assert running.wait() == 3


def test_the_helper_is_no_orphan_and_nobody_is_told_of_it(reaper: Launcher, pid1: bool) -> None:
    running = start(reaper, f"trap 'echo usr1' USR1; {LOOP}", "-k", pid1=pid1)
    for _ in range(20):
        running.send(10)
        running.out.expect("usr1\n")
    kernel.wait_until(lambda: kernel.children(running.pid) == [running.child], "no helper is left")
    assert kernel.comm(running.pid) == "init:0"
    assert uids(running.pid) == ["0"] * 4


def test_strays_of_another_user_get_their_term(
    reaper: Launcher, pid1: bool, tmp_path: Path
) -> None:
    """-l: the program has ended, its daemon is left."""
    tmp_path.chmod(0o777)
    for folder in tmp_path.parents[:3]:
        folder.chmod(0o711)
    daemon = 'trap ": >$1/done; exit" TERM; : >$1/up; while :; do sleep 0.01; done'
    script = (
        f"setsid sh -c '{daemon}' sh {tmp_path} <&- >&- 2>&- & "
        f"until [ -e {tmp_path}/up ]; do sleep 0.01; done; echo up; exit 7"
    )
    running = start(reaper, script, "-l", "100000", pid1=pid1)
    assert running.wait() == 7
    assert (tmp_path / "done").exists()


def test_what_cannot_be_sent_is_said_once(reaper: Launcher, pid1: bool) -> None:
    """Where /proc does not tell whose the program is, nothing is left to try."""
    hidden = ("unshare", "--mount", "--", *shell('mount -t tmpfs none /proc && exec "$@"'))
    running = reaper.start(dropped(LOOP), ("-k",), pid1=pid1, wrap=(*hidden, *NO_KILL))
    running.out.expect("up\n")
    child = running.child
    for number in (15, 1, 10):
        running.send(number)
    kernel.wait_until(lambda: not kernel.signals(running.pid, "ShdPnd"), "all were taken")
    assert kernel.alive(child)
    os.kill(child, 9)
    assert running.wait() == 137
    line = running.err.rest()
    assert line.count("\n") == 1
    assert re.match(r"initshim: cannot forward [A-Z0-9]+ to \d+: Operation not permitted \(", line)


@pytest.mark.usefixtures("namespaces")
class TestFollowing:
    """As PID 1 the reaper gives up root when the program has."""

    ALL_CAPS = ("env",)

    @pytest.mark.parametrize("wrap", [ALL_CAPS, NO_KILL], ids=["all capabilities", "no KILL"])
    def test_it_becomes_the_programs_user_for_good(
        self, reaper: Launcher, wrap: tuple[str, ...]
    ) -> None:
        running = start(reaper, LOOP, pid1=True, wrap=wrap)
        # On a busy machine all of its looks may come too soon.
        kernel.wait_until(lambda: woken(running), "it is the program's user")
        status = kernel.status(running.pid)
        assert status["Gid"].split() == ["998"] * 4
        assert status["Groups"] == ""
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
        running.send(15)
        assert running.wait() == 143

    def test_what_the_program_did_to_pid_1_works(self, reaper: Launcher) -> None:
        script = (
            "trap 'echo hup' HUP; until kill -0 1 2>&-; do sleep 0.01; done; "
            "kill -HUP 1; sleep 0.1; echo line >/proc/1/fd/1; "
            "head -c 1 /proc/1/environ >/dev/null && echo environ; exit 4"
        )
        read, write = os.pipe()
        os.fchown(write, 999, 998)
        command = reaper.command(dropped(script), pid1=True, wrap=("env", "A=b"))
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=write) as popen:
            os.close(write)
            with open(read) as out:  # noqa: PTH123
                said = out.read()
            assert popen.wait(kernel.DEADLINE) == 4
        assert said.split() == ["hup", "line", "environ"]

    @pytest.mark.parametrize("options", [("-k",), ("-g",), ("-a",), ("-l", "1")], ids=" ".join)
    def test_an_option_that_needs_roots_rights_keeps_them(
        self, reaper: Launcher, options: tuple[str, ...]
    ) -> None:
        running = start(reaper, f"trap 'echo hup' HUP; {LOOP}", *options, pid1=True)
        for _ in range(3):  # it is awake at each
            running.send(1)
            running.out.expect("hup\n")
        assert uids(running.pid) == ["0"] * 4

    def test_late_it_follows_when_it_wakes(self, reaper: Launcher, tmp_path: Path) -> None:
        wait = 'echo up; until [ -e "$0" ]; do sleep 0.01; done; exec "$@"'
        flag = tmp_path / "drop"
        running = reaper.start(["sh", "-c", wait, str(flag), *DROP, *shell(LOOP)], pid1=True)
        running.out.expect("up\n")
        pid, child = running.pid, running.child
        kernel.wait_until(lambda: switches(pid) >= 10, "it has looked ten times")
        running.send(signal.SIGWINCH)  # it looks now, and so not at the next for a second
        kernel.wait_until(lambda: not kernel.signals(pid, "ShdPnd"), "it was taken")
        assert uids(pid) == ["0"] * 4
        flag.touch()
        running.out.expect("up\n")
        assert uids(child) == ["999"] * 4
        running.send(signal.SIGWINCH)  # a single one: should it come too soon, it is made up for
        kernel.wait_until(lambda: uids(pid) == ["999"] * 4, "it is the program's user")

    def test_late_it_follows_at_the_end_of_an_orphan(
        self, reaper: Launcher, tmp_path: Path
    ) -> None:
        wait = 'echo up; until [ -e "$0" ]; do sleep 0.01; done; exec "$@"'
        flag = tmp_path / "drop"
        leaking = "while :; do (sleep 0.01 & ); sleep 0.05; done"
        running = reaper.start(["sh", "-c", wait, str(flag), *DROP, *shell(leaking)], pid1=True)
        running.out.expect("up\n")
        pid = running.pid
        kernel.wait_until(lambda: switches(pid) >= 10, "it has looked ten times")
        assert uids(pid) == ["0"] * 4
        flag.touch()
        kernel.wait_until(lambda: uids(pid) == ["999"] * 4, "it is the program's user")

    def test_a_stream_of_orphans_does_not_make_it_look_all_the_time(self, reaper: Launcher) -> None:
        """All that it reads is whose the program is; and root's may leak for ever."""
        leaking = (
            "echo up; for i in $(seq 100); do (sleep 0.01 & ); sleep 0.03; done; "
            "echo done; sleep 1000"
        )
        began = time.monotonic()
        running = reaper.start(shell(leaking), pid1=True)
        running.out.expect("up\n")
        before = reads(running.pid)
        running.out.expect("done\n")
        looks = reads(running.pid) - before
        assert 0 < looks <= 11 + time.monotonic() - began

    def test_a_user_that_can_go_back_is_not_followed(self, reaper: Launcher) -> None:
        """Effective uid 999 and saved uid 0: a server that becomes root again."""
        need.tool("perl", "perl-base")
        program = ["perl", "-e", '$|=1; $)="998 998"; $>=999; print "up\\n"; sleep 1 while 1']
        running = reaper.start(program, pid1=True)
        running.out.expect("up\n")
        for _ in range(3):
            running.send(28)
        kernel.wait_until(lambda: not kernel.signals(running.pid, "ShdPnd"), "all were taken")
        assert uids(running.child) == ["0", "999", "0", "999"]
        assert uids(running.pid) == ["0"] * 4

    def test_a_stream_of_signals_does_not_make_it_look_all_the_time(self, reaper: Launcher) -> None:
        began = time.monotonic()
        running = reaper.start(shell("trap 'echo hup' HUP; " + LOOP), pid1=True)
        running.out.expect("up\n")
        before = reads(running.pid)
        for _ in range(100):
            running.send(signal.SIGHUP)
            running.out.expect("hup\n")
        assert reads(running.pid) - before <= 11 + time.monotonic() - began

    def test_without_a_clock_each_signal_makes_it_look(self, reaper: Launcher) -> None:
        if platform.machine() != "x86_64":
            pytest.skip("needs x86-64: the number is its own")
        wrap = python("deny.py", "100", str(errno.EPERM))  # times
        running = reaper.start(shell("trap 'echo hup' HUP; " + LOOP), pid1=True, wrap=wrap)
        running.out.expect("up\n")
        before = reads(running.pid)
        for _ in range(100):
            running.send(signal.SIGHUP)
            running.out.expect("hup\n")
        kernel.wait_until(lambda: reads(running.pid) - before >= 100, "it has looked each time")

    def test_verbose_tells(self, reaper: Launcher) -> None:
        running = start(reaper, LOOP, "-v", pid1=True, wrap=("env",))
        kernel.wait_until(lambda: woken(running), "it is the program's user")
        line = running.err.line()
        while line.startswith("initshim: forwarded WINCH to "):
            line = running.err.line()
        assert line == "initshim: gave up root, as the program did, for uid 999"


def test_outside_of_pid_1_it_stays_who_it_is(reaper: Launcher) -> None:
    running = start(reaper, f"trap 'echo hup' HUP; {LOOP}", pid1=False)
    running.send(1)
    running.out.expect("hup\n")
    assert uids(running.pid) == ["0"] * 4
