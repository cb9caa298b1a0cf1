"""Reap: take in every process that has ended, and count those that weren't the program."""

import cython
from cython.cimports.initshim.grammar import VERBOSE
from cython.cimports.initshim.linux import (
    CLD_EXITED,
    CLD_STOPPED,
    P_ALL,
    P_PID,
    PR_SET_NAME,
    WEXITED,
    SYS_waitid,
    errno,
    prctl,
    syscall,
    wait4,
)
from cython.cimports.initshim.shared import (
    Line,
    begin,
    pause_with_child,
    print_line,
    put,
    put_number,
    put_signal,
    wake_in,
)
from cython.cimports.libc.errno import ECHILD, EINTR
from cython.cimports.libc.string import memset
from cython.cimports.posix.signal import siginfo_t
from cython.cimports.posix.wait import (
    WEXITSTATUS,
    WIFEXITED,
    WIFSTOPPED,
    WNOHANG,
    WSTOPSIG,
    WTERMSIG,
    WUNTRACED,
)


def wait_for(pid, status, how):
    """wait4, or where a sandbox denies that, waitid, which tells the same in other words."""
    found: cython.int = wait4(pid, status, how)
    if found >= 0 or errno in (ECHILD, EINTR):
        return found
    info = cython.declare(siginfo_t)
    memset(cython.address(info), 0, cython.sizeof(info))
    kind: cython.int = P_PID if pid > 0 else P_ALL
    # WUNTRACED and WSTOPPED are one number, WNOHANG the same in both.
    if syscall(SYS_waitid, kind, pid, cython.address(info), how | WEXITED, cython.NULL) != 0:
        return -1
    status[0] = info.si_status
    if info.si_code == CLD_EXITED:
        status[0] = info.si_status << 8
    elif info.si_code == CLD_STOPPED:
        status[0] = info.si_status << 8 | 0x7F
    return info.si_pid


def reap_the_inherited(reaper):
    """Reap those that ended before we were there: a shell that becomes us leaves us its children.

    0, or the errno where we can't wait for processes at all.
    """
    status: cython.int = 0
    pid: cython.int = wait_for(-1, cython.address(status), WNOHANG)
    if pid < 0:
        return 0 if errno == ECHILD else errno
    if pid > 0:
        note_status(reaper, pid, status)
        reap(reaper)
    return 0


def reap(reaper):
    """Reap all that have ended; true while processes are left.

    Once the program itself is reaped, stop there: nothing may delay our end.

    What wait_for returns is all that counts: many SIGCHLD merge into one, and any other signal may
    come before it.
    """
    how: cython.int = WNOHANG | (WUNTRACED if reaper.job else 0)
    status: cython.int = 0
    pid: cython.int = wait_for(-1, cython.address(status), how)
    while pid > 0:
        if note_status(reaper, pid, status):
            break
        pid = wait_for(-1, cython.address(status), how)
    if reaper.orphans != reaper.shown and not reaper.waking:
        reaper.waking = wake_in(reaper, 20)
        if not reaper.waking:
            show_count(reaper)
    return pid >= 0


def note_status(reaper, pid, status):
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
    print_line(cython.address(line))
