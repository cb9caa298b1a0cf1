"""Signals: the mask, the wait, the sending, and their names.

By raw system calls with the kernel's own 64-bit set: musl's wrappers keep 32 to 34 for themselves,
and 34 is glibc's SIGRTMIN.
"""

import cython
from cython.cimports.initshim.grammar import FIRST_REAL_TIME, LAST_SIGNAL, SIGNAL_NAMES
from cython.cimports.initshim.linux import (
    CLOCK_MONOTONIC,
    SI_TIMER,
    SI_TKILL,
    SIGCHLD,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigqueueinfo,
    SYS_rt_sigtimedwait,
    SYS_timer_create,
    SYS_timer_settime,
    errno,
    kill,
    sigevent,
    syscall,
)
from cython.cimports.initshim.shared import number_in, put, put_number, show_count
from cython.cimports.libc.stdint import uint64_t
from cython.cimports.libc.string import memset, strlen
from cython.cimports.posix.signal import SIG_SETMASK
from cython.cimports.posix.strings import strcasecmp, strncasecmp


def block_signals(old):
    """Block every signal there is.

    PID 1 loses a signal that it neither handles nor blocks. A blocked one is queued, even for PID 1
    and even where its disposition is "ignore". (A fault of our own is not held up by this: the
    kernel kills us with it.)
    """
    every: uint64_t = ~cython.cast(uint64_t, 0)
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, cython.address(every), old, 8)


def default_sigchld(reaper):
    """Make SIGCHLD's disposition the default and remember what it was.

    Started with SIGCHLD ignored (`trap '' CHLD; exec …`), a parent never hears of its children: the
    kernel reaps them itself. The kernel's struct sigaction begins with the handler, and all zero
    means the default; five words hold it on every machine. Where it is the default already it is
    not set again: that would throw away a SIGCHLD that came before our exec.
    """
    default = cython.declare(cython.long[5])
    memset(default, 0, cython.sizeof(default))
    syscall(SYS_rt_sigaction, SIGCHLD, cython.NULL, reaper.sigchld, 8)
    if reaper.sigchld[0] != 0:
        syscall(SYS_rt_sigaction, SIGCHLD, default, cython.NULL, 8)


def restore_signals(reaper):
    """Put back, in the child, the disposition of SIGCHLD and the mask that we were started with."""
    syscall(SYS_rt_sigaction, SIGCHLD, reaper.sigchld, cython.NULL, 8)
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, cython.address(reaper.mask), cython.NULL, 8)


def next_signal(reaper, info):
    """Sleep until a signal is there and take it from the queue.

    Where it is the moment to show the count (see wake_soon), show it: a burst of orphans costs one
    name and not one each.
    """
    every: uint64_t = ~cython.cast(uint64_t, 0)
    while syscall(SYS_rt_sigtimedwait, cython.address(every), info, cython.NULL, 8) < 0:
        pass  # EINTR: we were stopped and continued
    if info.si_signo == SIGCHLD and info.si_code == SI_TIMER:
        show_count(reaper)


def wake_soon(reaper):
    """Have the kernel send us a SIGCHLD in 20 ms; false where it can't (RLIMIT_SIGPENDING).

    Of all signals this one may merge with another: after each we look what there is to reap. A time
    limit on each wait instead would cost each orphan a timer; this one is set once a burst.
    """
    event = cython.declare(sigevent)
    times = cython.declare(cython.long[4])
    memset(cython.address(event), 0, cython.sizeof(event))
    memset(times, 0, cython.sizeof(times))
    event.sigev_signo = SIGCHLD  # and sigev_notify 0: by a signal
    times[3] = 20000000  # ns; it_interval 0: once
    if not reaper.timed:
        made: cython.long = syscall(
            SYS_timer_create, CLOCK_MONOTONIC, cython.address(event), cython.address(reaper.timer)
        )
        reaper.timed = made == 0
    if not reaper.timed:
        return False
    return syscall(SYS_timer_settime, reaper.timer, 0, times, cython.NULL) == 0


def send_signal(to, signum, info):
    """Send a signal as it came, 0 or the errno.

    A queued one (sigqueue, timers, message queues: si_code below 0) keeps its value and its sender.
    The kernel lets nobody forward the others so, and a group can't be queued to: they are sent
    anew.
    """
    if to > 0 and info.si_code < 0 and info.si_code != SI_TKILL:
        sent: cython.long = syscall(SYS_rt_sigqueueinfo, to, signum, info)
    else:
        sent = kill(to, signum)
    return 0 if sent == 0 else errno


def signal_in(text):
    """The signal that text names: TERM, SIGTERM, RTMIN+1, RTMAX-1, 15; -1 where it names none."""
    offset = cython.declare(cython.int)
    if strncasecmp(text, b"SIG", 3) == 0:
        text += 3
        if text[0] >= ord("0") and text[0] <= ord("9"):
            return -1
    if strcasecmp(text, b"RTMIN") == 0:
        return FIRST_REAL_TIME
    if strcasecmp(text, b"RTMAX") == 0:
        return LAST_SIGNAL
    if strncasecmp(text, b"RTMIN+", 6) == 0:
        offset = number_in(text + 6, LAST_SIGNAL - FIRST_REAL_TIME)
        return -1 if offset < 0 else FIRST_REAL_TIME + offset
    if strncasecmp(text, b"RTMAX-", 6) == 0:
        offset = number_in(text + 6, LAST_SIGNAL - FIRST_REAL_TIME)
        return -1 if offset < 0 else LAST_SIGNAL - offset
    offset = name_in(text)
    return offset if offset > 0 else number_in(text, LAST_SIGNAL)


def name_in(text):
    """The number of a name; 0 where there is none such."""
    name: cython.p_const_char = SIGNAL_NAMES
    signum: cython.int = 1
    while name[0] != 0:
        if strcasecmp(text, name) == 0:
            return signum
        name += strlen(name) + 1
        signum += 1
    return 0


def put_signal(line, signum):
    """Add a signal's name, or its number where it has no name."""
    if signum > 31:
        put_number(line, signum)
        return
    name: cython.p_const_char = SIGNAL_NAMES
    while signum > 1:
        name += strlen(name) + 1
        signum -= 1
    put(line, name)
