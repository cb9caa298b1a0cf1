"""Fifteen questions about signals and terminals, asked of tini, dumb-init and catatonit, too.

As PID 1, where all of them are made to be. Ours has to give the best answer. A peer gives it, too,
or is known for another one: so no peer knows better than what is called best here.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.reaper import kernel, need
from tests.reaper.process import Launcher, Running, python, shell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Answer = tuple[int, ...]
PEERS = ("tini", "dumb-init", "catatonit")
CTRL_C, CTRL_Z, CTRL_BACKSLASH = "\x03", "\x1a", "\x1c"
DYING = [n for n in kernel.DEADLY if n < 32 and n != signal.SIGKILL]


@pytest.fixture
def launch() -> Iterator[Callable[[str], Launcher]]:
    """Starts any init; whatever a test leaves running is killed."""
    made: list[Launcher] = []

    def start(program: str) -> Launcher:
        made.append(Launcher(Path(program)))
        return made[-1]

    yield start
    for launcher in made:
        launcher.close()


def witness(init: Launcher, *, terminal: bool = False) -> Running:
    """A program that tells each signal that it gets, once it is up."""
    running = init.start(python("witness.py"), pid1=True, terminal=terminal)
    running.out.expect("ready")
    running.out.line()
    return running


def told(running: Running) -> Answer:
    """The next signal that the program tells: number, si_code, value."""
    return tuple(int(word) for word in running.out.line().split())


def arrived(running: Running, send: Callable[[int], None], numbers: list[int]) -> Answer:
    """Those of the signals that the program gets; USR1, which all forward, ends the list."""
    pid, child = running.pid, running.child

    def forwarded() -> bool:
        taken = not kernel.signals(pid, "ShdPnd") and not kernel.signals(pid, "SigPnd")
        return taken and kernel.state(pid) == "S" and not kernel.signals(child, "ShdPnd")

    for number in numbers:
        send(number)
        kernel.wait_until(forwarded, "it was taken")
    running.send(signal.SIGUSR1)
    got = [told(running)[0]]
    while got[-1] != signal.SIGUSR1:
        got.append(told(running)[0])
    return tuple(got[:-1])


def standard_signals(init: Launcher) -> Answer:
    running = witness(init)
    return arrived(running, running.send, list(STANDARD))


def real_time_signals(init: Launcher) -> Answer:
    running = witness(init)
    return arrived(running, running.send, list(range(34, 65)))


def glibcs_own_signals(init: Launcher) -> Answer:
    running = witness(init)
    return arrived(running, running.send, [32, 33])


def signals_of_a_thread(init: Launcher) -> Answer:
    running = witness(init)
    send = [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, 40]
    return arrived(running, lambda number: kernel.send_to_thread(running.pid, number), send)


def value_that_was_queued(init: Launcher) -> Answer:
    running = witness(init)
    kernel.queue(running.pid, 40, 4711)
    return told(running)[::2]


def order_of_real_time_signals(init: Launcher) -> Answer:
    running = witness(init)
    os.kill(running.child, signal.SIGSTOP)
    for _ in range(20):
        running.send(40)
    kernel.wait_until(lambda: not kernel.signals(running.pid, "ShdPnd"), "all were taken")
    os.kill(running.child, signal.SIGCONT)
    got = [told(running)[0] for _ in range(21)]
    return tuple(n for n in got if n == 40)


def code_of_a_signals_end(init: Launcher) -> Answer:
    return tuple(init.run(shell(f"kill -{n} $$"), pid1=True).returncode for n in DYING)


def mask_and_ignored(init: Launcher) -> Answer:
    wrap = python("with_signals.py", "12,40", "1,28")
    done = init.run(["grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"], pid1=True, wrap=wrap)
    return tuple(int(line.split()[1], 16) for line in done.stdout.splitlines())


def foreground(init: Launcher) -> Answer:
    done = init.run(python("say_foreground.py"), pid1=True, terminal=True)
    return (int("foreground True" in done.stdout),)


def reading_the_terminal(init: Launcher) -> Answer:
    running = init.start(shell("read line; echo got $line"), pid1=True, terminal=True)
    running.type("hello\n")
    running.out.expect("got hello\n")
    return (running.wait(),)


def keys(init: Launcher) -> Answer:
    running = witness(init, terminal=True)
    got: list[int] = []
    for key in (CTRL_C, CTRL_BACKSLASH):
        running.type(key)
        got.append(told(running)[0])
        running.send(signal.SIGUSR1)
        got.append(told(running)[0])
    return tuple(got)


def end_by_ctrl_c(init: Launcher) -> Answer:
    running = init.start(shell("echo up; exec sleep 1000"), pid1=True, terminal=True)
    running.out.expect("up")
    kernel.wait_until(lambda: kernel.comm(running.child) == "sleep", "it sleeps")
    running.type(CTRL_C)
    return (running.wait(),)


def stop_and_continue(init: Launcher) -> Answer:
    running = init.start(shell("echo up; read l; exit 8"), pid1=True, terminal=True)
    running.out.expect("up")
    running.type(CTRL_Z)
    kernel.wait_until(lambda: kernel.state(running.child) == "T", "Ctrl-Z stopped it")
    running.send(signal.SIGCONT)
    kernel.wait_until(lambda: kernel.state(running.child) == "S", "CONT woke it")
    running.type("\n")
    return (running.wait(),)


def hang_up(init: Launcher) -> Answer:
    running = init.start(shell("echo up; sleep 1000"), pid1=True, terminal=True)
    running.out.expect("up")
    assert running.terminal is not None
    os.close(running.terminal)
    running.terminal = None
    return (running.wait(),)


def controlling_terminal(init: Launcher) -> Answer:
    done = init.run(shell("echo of its own >/dev/tty"), pid1=True, terminal=True)
    return (int("of its own" in done.stdout), done.returncode)


USR1 = int(signal.SIGUSR1)
# USR1 says that all were sent. CHLD merges with those of ours: test_it_forwards_every_signal.py.
STANDARD = tuple(n for n in kernel.FORWARDABLE if n < 32 and n not in {USR1, signal.SIGCHLD})
BEST: dict[Callable[[Launcher], Answer], Answer] = {
    standard_signals: STANDARD,
    real_time_signals: tuple(range(34, 65)),
    glibcs_own_signals: (32, 33),
    signals_of_a_thread: (15, 1, 2, 40),
    value_that_was_queued: (40, 4711),
    order_of_real_time_signals: (40,) * 20,
    code_of_a_signals_end: tuple(128 + n for n in DYING),
    mask_and_ignored: (1 << 11 | 1 << 39, 1 << 0 | 1 << 27),
    foreground: (1,),
    reading_the_terminal: (0,),
    keys: (2, USR1, 3, USR1),
    end_by_ctrl_c: (130,),
    stop_and_continue: (8,),
    hang_up: (129,),
    controlling_terminal: (1, 0),
}


OF_ALL: set[Callable[[Launcher], Answer]] = {
    value_that_was_queued,
    glibcs_own_signals,
    standard_signals,
}
"""tini and catatonit leave the signals of faults alone, dumb-init stops itself at TSTP."""
WORSE: dict[str, set[Callable[[Launcher], Answer]]] = {
    "tini": OF_ALL,
    "dumb-init": OF_ALL | {mask_and_ignored, stop_and_continue},
    "catatonit": OF_ALL | {mask_and_ignored, stop_and_continue},
}
"""Who is known to give another answer, or none."""


def test_there_are_fifteen() -> None:
    assert len(BEST) == 15


@pytest.mark.usefixtures("namespaces")
@pytest.mark.parametrize("probe", BEST, ids=lambda probe: probe.__name__)
def test_ours_gives_the_best_answer(reaper: Launcher, probe: Callable[[Launcher], Answer]) -> None:
    assert probe(reaper) == BEST[probe]


@pytest.mark.usefixtures("namespaces")
@pytest.mark.parametrize(
    ("peer", "probe"),
    [(peer, probe) for peer in PEERS for probe in BEST if probe not in WORSE[peer]],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_a_peer_gives_it_too(
    peer: str, probe: Callable[[Launcher], Answer], launch: Callable[[str], Launcher]
) -> None:
    assert probe(launch(need.tool(peer, peer))) == BEST[probe]
