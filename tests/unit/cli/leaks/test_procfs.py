"""What probes print, read; and the probes themselves, run here against this machine's /proc."""

import os
import subprocess
import sys

import pytest

from tests.reaper import need
from webhook.cli.leaks.observations import Term, Zombies
from webhook.cli.leaks.probes import PROBES, Probe
from webhook.cli.leaks.procfs import NotReadable, observed, processes, reading


def stat(pid: int, name: str, state: str, parent: int, started: int = 100) -> str:
    """A line as the kernel writes it (proc(5)): 52 fields."""
    middle = " ".join(["0"] * 15)
    return f"{pid} ({name}) {state} {parent} {middle} 1 0 {started} " + " ".join(["0"] * 30)


_PACKAGES = {
    "busybox": "busybox-static",
    "node": "nodejs",
    "php": "php-cli",
}


def test_zombies_are_counted_by_name_and_parent_and_what_stayed_is_told_from_what_is_new() -> None:
    first = reading(
        "\n".join(
            [
                "T " + stat(1, "app", "S", 0),
                "T " + stat(20, "helper", "S", 1),
                "T " + stat(30, "sh", "Z", 1),
                "T " + stat(31, "sh", "Z", 1),
                "T " + stat(40, "curl", "Z", 20),
            ]
        )
    )
    second = reading(
        "\n".join(
            [
                "T " + stat(1, "app", "S", 0),
                "T " + stat(20, "helper", "S", 1),
                "T " + stat(30, "sh", "Z", 1),
                "T " + stat(31, "sh", "Z", 1, started=900),  # the number came again
                "T " + stat(32, "sh", "Z", 1),
                "S SigCgt:\t0000000000000002",
            ]
        )
    )
    seen = observed(first, second)
    assert set(seen.zombies) == {
        Zombies(name="sh", parent="app", by_pid_1=True, before=2, now=3, stayed=1),
        Zombies(name="curl", parent="helper", by_pid_1=False, before=1, now=0, stayed=0),
    }
    assert (seen.pid_1, seen.term, seen.tasks) == ("app", Term.DEFAULT, 5)


@pytest.mark.parametrize(
    "name",
    [
        "a b",
        "x) S 1 (y",
        "(sd-pam)",
        ")",
        "",
        "\N{GREEK SMALL LETTER PI}",
        "a\nb",
        "\n\n",
        "9 (x) Z 1\n9",
        "a\x0bb\x1cc\u2028",
        "a\\nb\\c",
    ],
)
def test_a_process_may_call_itself_anything(name: str) -> None:
    printed = "\n".join([stat(1, "app", "S", 0), stat(7, name, "Z", 1), stat(8, "b", "S", 7)])
    assert [each.name for each in processes(printed)] == ["app", name, "b"]
    (zombie,) = reading(printed).zombies
    assert (zombie.pid, zombie.name, zombie.parent) == (7, name, 1)


@pytest.mark.parametrize(
    ("blocked", "ignored", "caught", "term"),
    [
        ("0000000000000000", "0000000000000000", "0000000000004002", Term.HANDLED),
        ("0000000000004000", "0000000000000000", "0000000000000000", Term.HANDLED),
        ("0000000000000000", "0000000000004000", "0000000000000002", Term.IGNORED),
        ("0000000000002000", "0000000000001000", "0000000000000002", Term.DEFAULT),
    ],
)
def test_what_sigterm_does_is_read_from_the_sets_of_signals(
    blocked: str, ignored: str, caught: str, term: Term
) -> None:
    sets = f"SigBlk:\t{blocked}\nSigIgn:\t{ignored}\nSigCgt:\t{caught}\n"
    look = reading(f"{stat(1, 'app', 'S', 0)}\n{sets}")
    assert observed(look, look).term is term


def test_sigterm_blocked_for_a_moment_is_not_waited_for() -> None:
    """As a C library does while it forks."""
    clear = reading(f"{stat(1, 'app', 'S', 0)}\nSigBlk:\t0\nSigCgt:\t0\n")
    blocked = reading(f"{stat(1, 'app', 'S', 0)}\nSigBlk:\tffffffff\nSigCgt:\t0\n")
    assert observed(clear, blocked).term is Term.DEFAULT
    assert observed(blocked, clear).term is Term.DEFAULT
    assert observed(blocked, blocked).term is Term.HANDLED


@pytest.mark.parametrize("printed", ["", "cat: /proc: Is a directory", "T 1 (cut", "T 1 (a) S 0 1"])
def test_what_shows_no_pid_1_is_said_to(printed: str) -> None:
    with pytest.raises(NotReadable, match="PID 1"):
        reading(printed)


@pytest.mark.parametrize("probe", PROBES, ids=[each.name for each in PROBES])
def test_a_probe_finds_a_zombie_on_this_machine(probe: Probe) -> None:
    command = list(probe.command)
    if command[0] == "python":  # images have it by that name, Debian only by another
        command[0] = sys.executable
    else:
        need.tool(command[0], _PACKAGES.get(probe.name, probe.name))
    name = "a (b) Z 1\n9 (c)"  # as many bytes as there may be
    rename = f"open('/proc/self/comm', 'w').write({name!r})"
    with subprocess.Popen([sys.executable, "-ISc", rename]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it stays a zombie
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False
        )
        found = {each.pid: each for each in processes(done.stdout)}
        if probe.name != "cat" or child.pid <= 1000:  # the first thousand is all that cat is told
            assert (found[child.pid].state, found[child.pid].name) == ("Z", name[:15])
            assert found[child.pid].parent == os.getpid()
        assert reading(done.stdout).term is not None
