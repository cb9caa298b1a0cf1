"""-g, -a, -r, -s, -p and -v: who is signalled, what is dropped, what is told."""

from __future__ import annotations

import os
import signal
import subprocess
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.reaper import kernel
from tests.reaper.process import python, shell

if TYPE_CHECKING:
    from tests.reaper.process import Launcher, Running

TERM, HUP, INT, USR1, USR2, QUIT = (
    int(n)
    for n in (
        signal.SIGTERM,
        signal.SIGHUP,
        signal.SIGINT,
        signal.SIGUSR1,
        signal.SIGUSR2,
        signal.SIGQUIT,
    )
)


def called(pid: int, name: str) -> bool:
    return kernel.comm(pid) == name


def witness(reaper: Launcher, *options: str, pid1: bool = False) -> Running:
    running = reaper.start(python("witness.py"), options, pid1=pid1)
    running.out.expect("ready")
    running.out.line()
    return running


def got(running: Running) -> int:
    return int(running.out.line().split()[0])


REWRITES = [
    ("TERM:INT", TERM, INT),
    ("15:2", TERM, INT),
    ("SIGTERM:SIGQUIT", TERM, QUIT),
    ("term:3", TERM, QUIT),
    ("1:10", HUP, USR1),
    ("CHLD:USR1", int(signal.SIGCHLD), USR1),
    ("TSTP:USR2", int(signal.SIGTSTP), USR2),
    ("34:64", 34, 64),
    ("USR1:34", USR1, 34),
]


@pytest.mark.parametrize("flag", ["-r", "--rewrite"])
@pytest.mark.parametrize(("rule", "sent", "arrives"), REWRITES, ids=[r for r, _, _ in REWRITES])
def test_rewrite(
    reaper: Launcher, pid1: bool, flag: str, rule: str, sent: int, arrives: int
) -> None:
    # Without -k a SIGCHLD may merge with those of the timer by which PID 1 follows the program.
    keep = ("-k",) if sent == signal.SIGCHLD else ()
    running = witness(reaper, *keep, flag, rule, pid1=pid1)
    running.send(sent)
    assert got(running) == arrives
    running.send(int(signal.SIGWINCH))
    assert got(running) == signal.SIGWINCH


def test_rewrite_to_0_drops(reaper: Launcher, pid1: bool) -> None:
    running = witness(reaper, "-r", "HUP:0", "-r", "34:0", pid1=pid1)
    running.send(HUP)
    running.send(34)
    kernel.wait_until(lambda: not kernel.signals(running.pid, "ShdPnd"), "both were taken")
    running.send(USR1)
    assert got(running) == USR1


def test_rewrites_are_not_chained(reaper: Launcher) -> None:
    running = witness(reaper, "-r", "TERM:INT", "-r", "INT:QUIT", "--rewrite=HUP:TERM")
    for sent, arrives in ((TERM, INT), (INT, QUIT), (HUP, TERM)):
        running.send(sent)
        assert got(running) == arrives


def test_a_rewritten_real_time_signal_keeps_its_value(reaper: Launcher) -> None:
    running = witness(reaper, "-r", "40:41")
    kernel.queue(running.pid, 40, 4711)
    number, _, value = running.out.line().split()
    assert (number, value) == ("41", "4711")


def test_a_signal_rewritten_to_kill_kills(reaper: Launcher) -> None:
    running = witness(reaper, "-r", "TERM:KILL")
    running.send(TERM)
    assert running.wait() == 137


@pytest.mark.parametrize("flag", ["-g", "--kill-group"])
def test_kill_group_reaches_the_whole_group(reaper: Launcher, pid1: bool, flag: str) -> None:
    running = reaper.start(python("family.py"), (flag,), pid1=pid1)
    running.out.expect("ready")
    running.out.line()
    running.send(USR1)
    assert {running.out.line(), running.out.line()} == {f"main {USR1}", f"group {USR1}"}
    running.send(USR2)
    assert {running.out.line(), running.out.line()} == {f"main {USR2}", f"group {USR2}"}


def test_without_it_only_the_program_is_signalled(reaper: Launcher, pid1: bool) -> None:
    running = reaper.start(python("family.py"), pid1=pid1)
    running.out.expect("ready")
    running.out.line()
    for number in (USR1, USR2, USR1):
        running.send(number)
        assert running.out.line() == f"main {number}"


@pytest.mark.parametrize("flag", ["-a", "--all"])
@pytest.mark.usefixtures("namespaces")
def test_all_reaches_daemons_too(reaper: Launcher, flag: str) -> None:
    running = reaper.start(python("family.py"), (flag,), pid1=True)
    running.out.expect("ready")
    running.out.line()
    running.send(USR1)
    lines = {running.out.line() for _ in range(3)}
    assert lines == {f"main {USR1}", f"group {USR1}", f"session {USR1}"}


def test_all_is_refused_where_it_would_hit_everybody(reaper: Launcher) -> None:
    done = reaper.run(shell("echo started"), ("-a",))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("initshim: ")
    assert done.stderr.count("\n") == 1


def test_s_is_accepted_and_orphans_are_adopted_with_or_without(reaper: Launcher) -> None:
    for options in ((), ("-s",), ("--subreaper",)):
        running = reaper.start(python("orphans.py", "20", "20"), options)
        running.out.expect("done")
        kernel.wait_until(partial(called, running.pid, "init:20"), "all were reaped")


@pytest.mark.parametrize(
    "flag", [("-p", "USR1"), ("--parent-death", "10"), ("--parent-death=SIGUSR1",)]
)
def test_parent_death(reaper: Launcher, flag: tuple[str, ...]) -> None:
    script = '"$@" & wait'
    command = [*shell(script), str(reaper.executable), *flag, "--", *python("witness.py")]
    outer = reaper.raw(command)
    outer.out.expect("ready")
    outer.out.line()
    pid = outer.pid
    outer.popen.kill()
    assert got(outer) == USR1
    os.kill(pid, signal.SIGTERM)
    assert got(outer) == TERM
    for process in [*kernel.children(pid), pid]:
        os.kill(process, signal.SIGKILL)


def test_without_parent_death_it_lives_on(reaper: Launcher) -> None:
    command = [*shell('"$@" & wait'), str(reaper.executable), "--", *python("witness.py")]
    outer = reaper.raw(command)
    outer.out.expect("ready")
    outer.out.line()
    pid = outer.pid
    outer.popen.kill()
    outer.popen.wait()
    os.kill(pid, signal.SIGUSR2)
    assert got(outer) == USR2
    for process in [*kernel.children(pid), pid]:
        os.kill(process, signal.SIGKILL)


def test_it_says_nothing_unless_asked(reaper: Launcher, pid1: bool) -> None:
    running = reaper.start(python("orphans.py", "3", "3"), pid1=pid1)
    running.out.expect("done")
    running.send(TERM)
    assert running.wait() == 143
    assert running.err.rest() == ""


def test_verbose_tells_what_was_forwarded(reaper: Launcher, pid1: bool) -> None:
    for flag in ("-v", "--verbose"):
        running = witness(reaper, flag, pid1=pid1)
        running.send(USR1)
        line = running.err.line()
        assert line.startswith("initshim: ")
        assert "USR1" in line


def test_verbose_twice_tells_what_was_reaped(reaper: Launcher) -> None:
    for flags in (("-vv",), ("-v", "-v"), ("--verbose", "--verbose")):
        running = reaper.start(shell("(sh -c 'echo $$; exit 0' &); exec sleep 1000"), flags)
        orphan = running.out.line()
        running.err.expect(f"{orphan}")
        kernel.wait_until(partial(called, running.pid, "init:1"), "it was counted")


def test_verbose_that_nobody_reads_is_no_obstacle(reaper: Launcher, pid1: bool) -> None:
    """stderr whose reader is gone: no SIGPIPE, no end."""
    read, write = os.pipe()
    command = reaper.command(python("orphans.py", "50", "50"), ("-vv",), pid1=pid1)
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=write
    ) as popen:
        os.close(read)
        os.close(write)
        assert popen.stdout is not None
        assert popen.stdout.readline() == b"working\n"
        assert popen.stdout.readline() == b"done\n"
        inner = kernel.children(popen.pid)[0] if pid1 else popen.pid
        kernel.wait_until(lambda: kernel.comm(inner) == "init:50", "the orphans are gone")
        os.kill(inner, signal.SIGTERM)
        assert popen.wait() == 143
