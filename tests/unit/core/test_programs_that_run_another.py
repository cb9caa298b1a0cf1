"""Semantics §3: an init behind a shell or a program that runs it, whatever stands between them.

The words are those of the programs' own pages: here by hand, so that a table which lost one shows.
"""

from typing import NamedTuple

import pytest

from webhook.core import shell
from webhook.core.inits import Found, find
from webhook.core.reasons import Reason

TINI = Found(Reason.HAS_INIT, "tini")


class Program(NamedTuple):
    """One of them: `operands` stand before the other one's name, `flags` are letters alone.

    `short` and `long` are its options that have a value.
    """

    name: str
    operands: str = ""
    short: str = ""
    long: str = ""
    flags: str = ""


PROGRAMS = [
    # env(1), nohup(1), nice(1), stdbuf(1), chroot(1), timeout(1) of coreutils. -S of env has its
    # own tests.
    Program("env", short="uCa", long="unset chdir argv0", flags="iv"),
    Program("nohup"),
    Program("nice", short="n", long="adjustment"),
    Program("stdbuf", short="ioe", long="input output error"),
    Program("chroot", "/srv", long="userspec groups"),
    Program("timeout", "60", short="ks", long="kill-after signal", flags="fpv"),
    # sudo(8), doas(1), github.com/tianon/gosu, github.com/ncopa/su-exec.
    Program(
        "sudo",
        short="CDghpRrTtUu",
        long="chdir chroot group host prompt role type user",
        flags="AbEHikNnPSs",
    ),
    Program("doas", short="Cu", flags="Lns"),
    Program("gosu", "app:app"),
    Program("su-exec", "app:app"),
    # cr.yp.to/daemontools/setuidgid.html, skarnet.org/software/s6/s6-setuidgid.html, the README of
    # s6-overlay, smarden.org/runit/chpst.8.html.
    Program("setuidgid", "app"),
    Program("s6-setuidgid", "app"),
    Program("with-contenv"),
    Program("chpst", short="uUbe/nlLmdopfctrC", flags="vVP012"),
    # bash(1) and POSIX: builtins. With -v, `command` only tells where a program is.
    Program("exec", short="a", flags="cl"),
    Program("command", flags="p"),
    # setpriv(1), setsid(1), ionice(1), taskset(1), chrt(1), prlimit(1), setarch(8), unshare(1) and
    # runuser(1) of util-linux. A limit of prlimit is glued to its letter.
    Program(
        "setpriv",
        long=(
            "ambient-caps apparmor-profile bounding-set egid euid groups inh-caps landlock-access "
            "landlock-rule pdeathsig ptracer regid reuid rgid ruid seccomp-filter securebits "
            "selinux-label"
        ),
    ),
    Program("setsid", flags="cfw"),
    Program("ionice", short="cn", long="class classdata", flags="t"),
    Program("taskset", "0-3", flags="ac"),
    Program("chrt", "1", short="TPD", flags="abdfiorRv"),
    Program("prlimit", flags="cdefilmnqrstuvxy"),
    Program("setarch", "x86_64", flags="BFILRSTXZv"),
    Program("linux32", flags="R"),
    Program("linux64", flags="R"),
    Program(
        "unshare",
        short="SGRw",
        long="setuid setgid root wd setgroups propagation",
        flags="cCfimnprTuU",
    ),
    Program("runuser -u app", short="gGs", long="group supp-group shell", flags="fmp"),
    Program("runuser --user app"),
    # numactl(8).
    Program(
        "numactl",
        short="imNCpP",
        long="interleave membind cpunodebind physcpubind preferred",
        flags="abl",
    ),
]
EACH = pytest.mark.parametrize("program", PROGRAMS, ids=[each.name for each in PROGRAMS])


def started(program: Program, *options: str) -> Found | None:
    return find([*program.name.split(), *options, *program.operands.split(), "tini", "--", "app"])


@EACH
def test_what_an_option_is_given_is_not_the_program(program: Program) -> None:
    for letter in program.short:
        assert started(program, f"-{letter}", "value") == TINI, letter
    for name in program.long.split():
        assert started(program, f"--{name}", "value") == TINI, name
        assert started(program, f"--{name}=value") == TINI, name


@EACH
def test_an_option_without_a_value_stands_right_before_the_program(program: Program) -> None:
    """`-?` is no option of any: getopt(3) has it for those that a program does not know."""
    assert started(program) == TINI
    for option in ("--", "--verbose", "-?", *(f"-{letter}" for letter in program.flags)):
        assert started(program, option) == TINI, option


@EACH
def test_a_value_may_stand_in_its_options_word_whatever_letter_it_ends_with(
    program: Program,
) -> None:
    """See getopt(3)."""
    for letter in program.short:
        for value in ("root", "app", program.short):
            assert started(program, f"-{program.flags[:1]}{letter}{value}") == TINI, (letter, value)


@EACH
def test_a_program_that_runs_another_is_known_by_its_name(program: Program) -> None:
    name, *_ = program.name.split()
    assert shell.runs_another([f"/usr/bin/{name}", "app"])


@pytest.mark.parametrize("program", ["busybox", "busybox.static", "toybox"])
def test_a_program_of_many_names_is_the_one_that_its_first_word_says(program: str) -> None:
    assert find([program, "nohup", "tini", "--", "app"]) == TINI
    assert find([program, "sh", "-c", "exec tini -- app"]) == TINI
    assert shell.runs_another([program, "sh"])


@pytest.mark.parametrize(
    "name", ["sh", "bash", "rbash", "dash", "ash", "ksh", "mksh", "lksh", "yash", "zsh", "fish"]
)
def test_what_a_shells_script_execs_is_the_program(name: str) -> None:
    assert find([name, "-c", "cd /srv && exec tini -- app"]) == TINI
    assert find([f"/bin/{name}", "-c", "exec tini -- app"]) == TINI
    assert shell.runs_another([f"/bin/{name}"])


@pytest.mark.parametrize("name", ["su", "runuser"])
@pytest.mark.parametrize("option", ["-c", "--command", "--session-command"])
def test_a_login_hands_its_script_to_a_shell(name: str, option: str) -> None:
    """See su(1) and runuser(1)."""
    assert find([f"/bin/{name}", "-", "app", option, "exec tini -- app"]) == TINI
    assert shell.runs_another([f"/bin/{name}"])


def test_a_program_that_runs_no_other_says_so() -> None:
    assert not shell.runs_another([])
    assert not shell.runs_another(["/app", "sh"])
