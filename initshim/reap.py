"""Reap: take in every process that has ended, and count those that weren't the program."""

import cython
from cython.cimports.initshim.grammar import VERBOSE
from cython.cimports.initshim.linux import PR_SET_NAME, prctl, waitpid
from cython.cimports.initshim.shared import (
    Line,
    begin,
    pause_with_child,
    put,
    put_number,
    put_signal,
    tell,
    wake_soon,
)
from cython.cimports.posix.wait import (
    WEXITSTATUS,
    WIFEXITED,
    WIFSTOPPED,
    WNOHANG,
    WSTOPSIG,
    WTERMSIG,
    WUNTRACED,
)


def reap(reaper):
    """Reap all that have ended; true while processes are left.

    Once the program itself is reaped, stop there: nothing may delay our end.

    What waitpid returns is all that counts: many SIGCHLD merge into one, and any other signal may
    come before it.
    """
    how: cython.int = WNOHANG | (WUNTRACED if reaper.job else 0)
    status: cython.int = 0
    pid: cython.int = waitpid(-1, cython.address(status), how)
    while pid > 0:
        if take(reaper, pid, status):
            break
        pid = waitpid(-1, cython.address(status), how)
    if reaper.orphans != reaper.shown and not reaper.waking:
        reaper.waking = wake_soon(reaper)
        if not reaper.waking:
            show_count(reaper)
    return pid >= 0


def take(reaper, pid, status):
    """Note what became of one process; true where it is the program and has ended."""
    if WIFSTOPPED(status):
        if pid == reaper.child:
            pause_with_child(reaper, WSTOPSIG(status))
        return False
    if reaper.options.given[VERBOSE] > 1:
        tell_reaped(pid, status)
    # Once the program is gone its number may come again.
    if pid == reaper.child and not reaper.gone:
        reaper.gone = True
        reaper.status = status
        return True
    reaper.orphans += 1
    return False


def show_count(reaper):
    """Show the count of orphans as our name: `cat /proc/1/comm` says init:1234."""
    line = cython.declare(Line)
    line.size = 0
    put(cython.address(line), b"init:")
    put_number(cython.address(line), reaper.orphans)
    reaper.shown = reaper.orphans
    reaper.waking = False
    prctl(PR_SET_NAME, cython.cast(cython.ulong, cython.cast(cython.p_void, line.text)))


def tell_reaped(pid, status):
    """Tell of one process that was reaped (-vv)."""
    line = cython.declare(Line)
    begin(cython.address(line))
    put(cython.address(line), b"reaped ")
    put_number(cython.address(line), pid)
    if WIFEXITED(status):
        put(cython.address(line), b", exit code ")
        put_number(cython.address(line), WEXITSTATUS(status))
    else:
        put(cython.address(line), b", killed by ")
        put_signal(cython.address(line), WTERMSIG(status))
    tell(cython.address(line))
