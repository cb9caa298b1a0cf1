"""Signals: the mask, the wait, the sending, and their names.

By raw system calls with the kernel's own 64-bit set: musl's wrappers keep 32 to 34 for themselves,
and 34 is glibc's SIGRTMIN.
"""

import cython
from cython.cimports.initshim.grammar import FIRST_REAL_TIME, LAST_SIGNAL, SIGNAL_NAMES
from cython.cimports.initshim.linux import (
    CLOCK_MONOTONIC,
    O_CLOEXEC,
    SI_QUEUE,
    SI_TIMER,
    SI_TKILL,
    SIGCHLD,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigqueueinfo,
    SYS_rt_sigtimedwait,
    SYS_signalfd4,
    SYS_timer_create,
    SYS_timer_settime,
    close,
    errno,
    kill,
    read,
    sigevent,
    signalfd_siginfo,
    syscall,
)
from cython.cimports.initshim.shared import (
    follow,
    number_in,
    put,
    put_number,
    show_count,
)
from cython.cimports.libc.errno import EAGAIN, EINTR, ENOSYS, EPERM
from cython.cimports.libc.stdint import uint64_t
from cython.cimports.libc.string import memset, strlen
from cython.cimports.posix.signal import SIG_SETMASK, siginfo_t
from cython.cimports.posix.strings import strcasecmp, strncasecmp
from cython.cimports.posix.unistd import getpid, getuid


def block_signals(old):
    """Block every signal there is.

    PID 1 loses a signal that it neither handles nor blocks. A blocked one is queued, even for PID 1
    and even where its disposition is "ignore". (A fault of our own is not held up by this: the
    kernel kills us with it.) 0, or the errno where a sandbox denies the call: there is no other.
    """
    every: uint64_t = ~cython.cast(uint64_t, 0)
    if syscall(SYS_rt_sigprocmask, SIG_SETMASK, cython.address(every), old, 8) != 0:
        return errno
    return 0


def default_sigchld(reaper):
    """Make SIGCHLD's disposition the default and remember what it was.

    Started with SIGCHLD ignored (`trap '' CHLD; exec …`), a parent never hears of its children: the
    kernel reaps them itself. The kernel's struct sigaction begins with the handler, and all zero
    means the default; five words hold it on every machine. Where it is the default already it is
    not set again: that would throw away a SIGCHLD that came before our exec. 0 or the errno.
    """
    default = cython.declare(cython.long[5])
    memset(default, 0, cython.sizeof(default))
    done: cython.long = syscall(SYS_rt_sigaction, SIGCHLD, cython.NULL, reaper.sigchld, 8)
    if done == 0 and reaper.sigchld[0] != 0:
        done = syscall(SYS_rt_sigaction, SIGCHLD, default, cython.NULL, 8)
    return 0 if done == 0 else errno


def restore_signals(reaper):
    """Put back, in the child, the disposition of SIGCHLD and the mask that we were started with."""
    syscall(SYS_rt_sigaction, SIGCHLD, reaper.sigchld, cython.NULL, 8)
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, cython.address(reaper.mask), cython.NULL, 8)


def can_wait():
    """Try the wait for a signal, with no signal to wait for; 0, or why it can't be done here.

    Where a sandbox denies it, signals are read from a descriptor instead.
    """
    nothing: uint64_t = 0
    times = cython.declare(cython.long[2])
    memset(times, 0, cython.sizeof(times))
    if syscall(SYS_rt_sigtimedwait, cython.address(nothing), cython.NULL, times, 8) >= 0:
        return 0
    if errno in (EAGAIN, EINTR):
        return 0
    file: cython.int = open_signals()
    if file < 0:
        return errno
    close(file)
    return 0


def next_signal(reaper, info):
    """Sleep until a signal is there and take it from the queue; false where nothing lets us.

    At the timer's signal (see wake_in), show the count, so that a burst of orphans costs one change
    of our name and not one each, and look who the program runs as.
    """
    every: uint64_t = ~cython.cast(uint64_t, 0)
    while syscall(SYS_rt_sigtimedwait, cython.address(every), info, cython.NULL, 8) < 0:
        if errno == EINTR:
            continue  # we were stopped and continued
        if not read_signal(reaper, info):
            return False
        break
    if info.si_signo == SIGCHLD and info.si_code == SI_TIMER:
        show_count(reaper)
        follow(reaper)
    return True


def open_signals():
    """A descriptor from which all blocked signals can be read; -1 where there is none."""
    every: uint64_t = ~cython.cast(uint64_t, 0)
    return syscall(SYS_signalfd4, -1, cython.address(every), 8, O_CLOEXEC)


def read_signal(reaper, info):
    """Take a signal from the descriptor, which the first call opens; false where it can't."""
    came = cython.declare(signalfd_siginfo)
    if reaper.signals == 0:
        reaper.signals = open_signals()
    while read(reaper.signals, cython.address(came), cython.sizeof(came)) < 0:
        if errno != EINTR:
            return False
    memset(info, 0, cython.sizeof(info[0]))
    info.si_signo = came.ssi_signo
    info.si_code = came.ssi_code
    info.si_pid = came.ssi_pid
    info.si_uid = came.ssi_uid
    info.si_value.sival_ptr = cython.cast(cython.p_void, cython.cast(cython.size_t, came.ssi_ptr))
    return True


def wake_in(reaper, milliseconds):
    """Have the kernel send us a SIGCHLD after that time; false where it can't (RLIMIT_SIGPENDING).

    Of all signals this one may merge with another: after each we look what there is to reap. A time
    limit on each wait instead would cost each orphan a timer; this one is set once a burst.
    """
    event = cython.declare(sigevent)
    times = cython.declare(cython.long[4])
    memset(cython.address(event), 0, cython.sizeof(event))
    memset(times, 0, cython.sizeof(times))
    event.sigev_signo = SIGCHLD  # and sigev_notify 0: by a signal
    times[2] = milliseconds // 1000
    times[3] = milliseconds % 1000 * 1000000  # ns; it_interval 0: once
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
    anew. Where one of the two ways is denied, the other is left.
    """
    queued: cython.bint = to > 0 and info.si_code < 0 and info.si_code != SI_TKILL
    if queued and syscall(SYS_rt_sigqueueinfo, to, signum, info) == 0:
        return 0
    if kill(to, signum) == 0:
        return 0
    error: cython.int = errno
    if to > 0 and not queued and error in (EPERM, ENOSYS) and queue_signal(to, signum) == 0:
        return 0
    return error


def queue_signal(to, signum):
    """Send a signal as sigqueue does; 0 or -1."""
    info = cython.declare(siginfo_t)
    memset(cython.address(info), 0, cython.sizeof(info))
    info.si_signo = signum
    info.si_code = SI_QUEUE
    info.si_pid = getpid()
    info.si_uid = getuid()
    return syscall(SYS_rt_sigqueueinfo, to, signum, cython.address(info))


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
