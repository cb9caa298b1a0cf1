"""The foreground group, Ctrl-C and Ctrl-Z, hang-up: as PID 1, and under a shell's job control."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.reaper import kernel, need
from tests.reaper.process import namespace, python, shell

if TYPE_CHECKING:
    from tests.reaper.process import Launcher, Running

CTRL_C, CTRL_Z, CTRL_BACKSLASH = "\x03", "\x1a", "\x1c"


def foreground(running: Running) -> int:
    """The terminal's foreground group, as the child's /proc entry shows it."""
    with open(f"/proc/{running.child}/stat") as stat:  # noqa: PTH123
        return int(stat.read().rpartition(")")[2].split()[5])


def test_the_program_is_in_the_foreground(
    reaper: Launcher, options: tuple[str, ...], pid1: bool
) -> None:
    done = reaper.run(python("say_foreground.py"), options, pid1=pid1, terminal=True)
    assert "foreground True\n" in done.stdout


def test_it_can_read_the_terminal(reaper: Launcher, pid1: bool) -> None:
    running = reaper.start(shell("read line; echo got $line"), pid1=pid1, terminal=True)
    running.type("hello\n")
    running.out.expect("got hello\n")
    assert running.wait() == 0


def test_a_key_sends_one_signal(reaper: Launcher, pid1: bool) -> None:
    running = reaper.start(python("witness.py"), pid1=pid1, terminal=True)
    running.out.expect("ready")
    running.out.line()
    for key, number in ((CTRL_C, 2), (CTRL_Z, 20), (CTRL_BACKSLASH, 3)):
        running.type(key)
        assert running.out.line().split()[0] == str(number)
        running.send(signal.SIGUSR1)
        assert running.out.line().split()[0] == str(int(signal.SIGUSR1)), "one key, two signals"


def test_ctrl_c_ends_a_plain_program(reaper: Launcher, pid1: bool) -> None:
    running = reaper.start(["sleep", "1000"], pid1=pid1, terminal=True)
    kernel.wait_until(lambda: kernel.comm(running.child) == "sleep", "it sleeps")
    running.type(CTRL_C)
    assert running.wait() == 130


@pytest.mark.usefixtures("namespaces")
def test_as_pid_1_a_stopped_program_waits_for_cont(reaper: Launcher) -> None:
    running = reaper.start(["sh", "-c", "echo up; read l; exit 8"], pid1=True, terminal=True)
    running.out.expect("up")
    child = running.child
    running.type(CTRL_Z)
    kernel.wait_until(lambda: kernel.state(child) == "T", "Ctrl-Z stopped it")
    running.send(signal.SIGCONT)
    kernel.wait_until(lambda: kernel.state(child) == "S", "CONT woke it")
    running.type("\n")
    assert running.wait() == 8


def test_a_hang_up_reaches_the_program(reaper: Launcher, pid1: bool) -> None:
    running = reaper.start(shell("echo up; sleep 1000"), pid1=pid1, terminal=True)
    running.out.expect("up")
    assert running.terminal is not None
    os.close(running.terminal)
    running.terminal = None
    assert running.wait() == 128 + signal.SIGHUP


def test_a_terminal_only_on_stdout_is_not_taken(reaper: Launcher) -> None:
    wrap = shell('exec "$@" </dev/null')
    running = reaper.start(python("witness.py"), terminal=True, wrap=wrap)
    running.out.expect("ready")
    assert foreground(running) == os.getpgid(running.pid) != os.getpgid(running.child)


def bash(reaper: Launcher) -> Running:
    """An interactive bash with job control on a terminal."""
    need.tool("bash", "bash")
    env = {"PS1": "$ ", "PATH": os.environ["PATH"], "R": str(reaper.executable), "TERM": "dumb"}
    command = ["setsid", "--ctty", "bash", "--norc", "--noprofile", "--noediting", "-i"]
    shell_ = reaper.raw(command, terminal=True, env=env)
    shell_.out.expect("$ ")
    return shell_


def in_front(it: Running) -> None:
    """Wait until the program has the terminal and bash waits for it: a key before is anybody's."""
    kernel.wait_until(lambda: foreground(it) == it.child, "the program has the terminal")
    kernel.wait_until(lambda: kernel.comm(it.pid) == "init:0", "the reaper is up")
    kernel.wait_until(lambda: kernel.state(it.popen.pid) == "S", "the shell waits")


def test_job_control_of_a_shell(reaper: Launcher) -> None:
    it = bash(reaper)
    it.type("$R -- sh -c 'echo up; read l; echo got $l; exit 3'\n")
    it.out.expect("up\n")
    in_front(it)
    it.type(CTRL_Z)
    it.out.expect("Stopped")
    it.out.expect("$ ")
    assert {kernel.state(it.child), kernel.state(it.pid)} == {"T"}
    it.type("fg\n")
    it.out.expect("exit 3'\n")
    it.type("word\n")
    it.out.expect("got word\n")
    it.out.expect("$ ")
    it.type("echo code $?\n")
    it.out.expect("code 3\n")
    it.type("exit\n")
    assert it.wait() == 0


@pytest.mark.usefixtures("namespaces")
def test_as_pid_1_it_is_nobodys_job(reaper: Launcher) -> None:
    """Below a shell that does job control: Ctrl-Z stops the program, and not `unshare`."""
    it = bash(reaper)
    it.type(f"{' '.join(namespace())} $R -- sh -c 'echo up; read l; exit 8'; echo code $?\n")
    it.out.expect("up\n")
    (unshare,) = kernel.children(it.popen.pid)
    (pid,) = kernel.children(unshare)
    (child,) = kernel.children(pid)
    kernel.wait_until(lambda: kernel.comm(pid) == "init:0", "the reaper is up")
    it.type(CTRL_Z)
    kernel.wait_until(lambda: kernel.state(child) == "T", "Ctrl-Z stopped it")
    kernel.wait_until(lambda: kernel.state(pid) == "S", "the reaper has seen that")
    os.kill(pid, signal.SIGCONT)
    kernel.wait_until(lambda: kernel.state(child) == "S", "CONT woke it")
    it.type("\n")
    it.out.expect("code ")
    assert it.out.line() == "8"


def test_stopped_again_and_again(reaper: Launcher) -> None:
    it = bash(reaper)
    it.type("$R -- sh -c 'echo up; read l; exit 3'\n")
    it.out.expect("up\n")
    for _ in range(5):
        in_front(it)
        it.type(CTRL_Z)
        it.out.expect("Stopped")
        it.out.expect("$ ")
        it.type("fg\n")
        it.out.expect("exit 3'\n")
        kernel.wait_until(lambda: kernel.state(it.child) == "S", "it goes on")
    it.type("\n")
    it.out.expect("$ ")
    it.type("echo code $?\n")
    it.out.expect("code 3\n")


def test_ctrl_c_under_a_shell(reaper: Launcher) -> None:
    it = bash(reaper)
    it.type("$R -- sleep 1000\n")
    kernel.wait_until(lambda: kernel.comm(it.child) == "sleep", "it sleeps")
    in_front(it)
    it.type(CTRL_C)
    it.out.expect("$ ")
    it.type("echo code $?\n")
    it.out.expect("code 130\n")


def test_bg_lets_it_run_without_the_terminal(reaper: Launcher) -> None:
    it = bash(reaper)
    it.type("$R -- sh -c 'echo up; exec sleep 1000'\n")
    it.out.expect("up\n")
    in_front(it)
    it.type(CTRL_Z)
    it.out.expect("Stopped")
    it.out.expect("$ ")
    it.type("bg\n")
    kernel.wait_until(lambda: kernel.state(it.child) in "SR", "it runs in the background")
    it.type("echo shell $((6*7))\n")
    it.out.expect("shell 42\n")
    assert foreground(it) == it.popen.pid
    it.type("kill %1; wait %1; echo code $?\n")
    it.out.expect("code 143")


def test_started_in_the_background_it_leaves_the_terminal_alone(reaper: Launcher) -> None:
    it = bash(reaper)
    it.type("$R -- sh -c 'while :; do sleep 0.01; done' &\n")
    it.out.expect("$ ")
    kernel.wait_until(lambda: kernel.comm(it.pid) == "init:0", "it is up")
    assert foreground(it) == it.popen.pid
    it.type("echo shell $((6*7))\n")
    it.out.expect("shell 42\n")
    it.type("fg\n")
    kernel.wait_until(lambda: foreground(it) in {it.child, it.pid}, "it was brought to the front")
    it.type(CTRL_C)
    it.out.expect("$ ")
    it.type("echo shell $((6*8))\n")
    it.out.expect("shell 48\n")


def test_a_reader_in_the_background_stops_and_fg_feeds_it(reaper: Launcher) -> None:
    it = bash(reaper)
    it.type("$R -- sh -c 'read l; echo got $l' &\n")
    it.out.expect("$ ")
    kernel.wait_until(lambda: kernel.state(it.child) == "T", "SIGTTIN stopped the reader")
    it.type("fg\n")
    kernel.wait_until(lambda: kernel.state(it.child) == "S", "it reads")
    it.type("word\n")
    it.out.expect("got word\n")
    it.out.expect("$ ")


def test_the_terminal_comes_back_after_the_end(reaper: Launcher) -> None:
    """A shell without job control of its own: nobody but the reaper could give it back."""
    script = "$R -- true; $R -- no-such-program; read line; echo got $line"
    env = {"PATH": os.environ["PATH"], "R": str(reaper.executable)}
    it = reaper.raw(["setsid", "--ctty", *shell(script)], terminal=True, env=env)
    it.type("word\n")
    it.out.expect("got word\n")
    assert it.wait() == 0


def test_the_terminals_modes_are_as_they_were(reaper: Launcher, pid1: bool) -> None:
    done = reaper.run(["stty", "-g"], pid1=pid1, terminal=True)
    again = reaper.run(["stty", "-g"], pid1=pid1, terminal=True, options=("-g",))
    prefix = reaper.command(["stty", "-g"], terminal=True)[:-4]
    bare = reaper.raw([*prefix, "stty", "-g"], terminal=True).out.rest()
    assert bare == done.stdout == again.stdout


def test_a_terminal_that_is_not_its_own_hurts_nothing(reaper: Launcher, pid1: bool) -> None:
    """`docker run -t` without a controlling terminal: tcsetpgrp fails, the program runs."""
    master, slave = pty.openpty()
    command = reaper.command(["sh", "-c", "exit 7"], pid1=pid1)
    done = subprocess.run(command, stdin=slave, stdout=slave, stderr=slave, check=False)
    os.close(slave)
    os.close(master)
    assert done.returncode == 7
