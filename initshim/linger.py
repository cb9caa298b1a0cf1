"""Linger (-l): after the program, give the others in the container time to end."""

import cython
from cython.cimports.initshim.grammar import LINGER
from cython.cimports.initshim.linux import (
    O_CLOEXEC,
    SIGALRM,
    SIGINT,
    SIGKILL,
    SIGQUIT,
    SIGTERM,
    close,
    errno,
    kill,
    open_file,
    read,
    set_alarm,
)
from cython.cimports.initshim.shared import next_signal, reap, send_as_its_user
from cython.cimports.libc.errno import EPERM
from cython.cimports.libc.string import memset
from cython.cimports.posix.fcntl import O_RDONLY
from cython.cimports.posix.signal import siginfo_t


def linger(reaper):
    """TERM to the rest, wait until all have ended or the time is up, then KILL to what is left."""
    seconds: cython.int = reaper.options.number[LINGER]
    if seconds > 0 and not drain(reaper, SIGTERM, seconds):
        # KILL takes less; one that we may not signal (setuid) would have us wait for ever.
        drain(reaper, SIGKILL, 1)


def drain(reaper, signum, seconds):
    """Signal the rest and reap until none is left; false where it was cut short.

    That is by the time running out, or by another TERM, INT or QUIT. All other signals were for the
    program, which has ended.
    """
    info = cython.declare(siginfo_t)
    signal_rest(reaper, signum)
    if set_alarm(seconds) != 0:
        return False  # a sandbox denies it: without an end we don't begin to wait
    while reap(reaper):
        if not next_signal(reaper, cython.address(info)):
            return False
        if info.si_signo == SIGALRM and info.si_code > 0:
            return False
        if info.si_signo in (SIGTERM, SIGINT, SIGQUIT):
            return False
        if signum == SIGKILL:
            signal_rest(reaper, SIGKILL)  # children of those that were killed are ours now
    return True


def signal_rest(reaper, signum):
    """Signal whoever is left: as PID 1 all; else the program's group and our own children."""
    if reaper.pid == 1:
        kill(-1, signum)
    else:
        kill(-reaper.child, signum)
    signal_children(reaper, signum)


def signal_children(reaper, signum):
    """Signal our direct children, who were orphans; where the kernel has no such list, nobody."""
    text = cython.declare(cython.char[4096])
    file: cython.int = open_file(b"/proc/thread-self/children", O_RDONLY | O_CLOEXEC)
    pid: cython.int = 0
    while True:
        size: cython.Py_ssize_t = read(file, text, cython.sizeof(text))
        if size <= 0:
            break
        at = cython.declare(cython.Py_ssize_t)
        for at in range(size):
            if text[at] != ord(" "):
                pid = pid * 10 + text[at] - ord("0")
            else:
                signal_child(reaper, pid, signum)
                pid = 0
    close(file)


def signal_child(reaper, pid, signum):
    """Signal one child, as its own user where we may not; as PID 1 that is all that is left to do.

    There the others of that user are signalled with it.
    """
    info = cython.declare(siginfo_t)
    error: cython.int = 0
    if kill(pid, 0 if reaper.pid == 1 else signum) != 0:
        error = errno
    if error == EPERM:
        memset(cython.address(info), 0, cython.sizeof(info))
        send_as_its_user(pid, -1 if reaper.pid == 1 else pid, signum, cython.address(info))
