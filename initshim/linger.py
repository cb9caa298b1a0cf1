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
    kill,
    open_file,
    read,
)
from cython.cimports.initshim.shared import next_signal, reap
from cython.cimports.posix.fcntl import O_RDONLY
from cython.cimports.posix.signal import siginfo_t
from cython.cimports.posix.unistd import alarm


def linger(reaper):
    """TERM to the rest, wait until all have ended or the time is up, then KILL to what is left."""
    seconds: cython.int = reaper.options.number[LINGER]
    if seconds > 0 and not drain(reaper, SIGTERM, seconds):
        # A second is plenty for the dead; one that we may not signal (setuid) must not hold us.
        drain(reaper, SIGKILL, 1)


def drain(reaper, signum, seconds):
    """Signal the rest and reap until none is left; false where it was cut short.

    By the time running out, or by somebody impatient: another TERM, INT or QUIT. All other signals
    have lost whom they were for.
    """
    info = cython.declare(siginfo_t)
    signal_rest(reaper, signum)
    alarm(seconds)
    while reap(reaper):
        next_signal(reaper, cython.address(info))
        if info.si_signo == SIGALRM and info.si_code > 0:
            return False
        if info.si_signo in (SIGTERM, SIGINT, SIGQUIT):
            return False
        if signum == SIGKILL:
            signal_rest(reaper, SIGKILL)  # the killed have left their children to us
    return True


def signal_rest(reaper, signum):
    """Signal whoever is left: as PID 1 all; else the program's group and our own children."""
    if reaper.pid == 1:
        kill(-1, signum)
        return
    kill(-reaper.child, signum)
    signal_children(signum)


def signal_children(signum):
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
                kill(pid, signum)
                pid = 0
    close(file)
