"""The reaper: PID 1 of a container.

Block all signals, start the program; then wait for a signal, forward it, reap, and again.

Written in Cython's pure Python mode and compiled ahead of time; the types are in reaper.pxd. No
function here touches a Python object, so nothing of Python remains in the executable. The others:
start, signals, options, install, search, spawn, terminal, users, reap, linger, say, text.
"""

import cython
from cython.cimports.initshim.grammar import (
    ALL,
    HELP,
    HELP_TEXT,
    INSTALL,
    KILL_GROUP,
    PARENT_DEATH,
    SUBREAPER,
    VERBOSE,
    VERSION,
)
from cython.cimports.initshim.linux import (
    INITSHIM_VERSION,
    PR_SET_CHILD_SUBREAPER,
    PR_SET_PDEATHSIG,
    SI_TIMER,
    SI_USER,
    SIGCHLD,
    SIGCONT,
    SIGKILL,
    SYS_close_range,
    SYS_tkill,
    chdir,
    close,
    errno,
    kill,
    prctl,
    syscall,
    write,
)
from cython.cimports.initshim.shared import (
    Line,
    Reaper,
    begin,
    block_signals,
    can_wait,
    default_sigchld,
    follow,
    install,
    linger,
    look_at_terminal,
    next_signal,
    parse_options,
    print_line,
    put,
    put_error,
    put_name,
    put_number,
    put_signal,
    reap,
    reap_the_inherited,
    report,
    resume_child,
    send_as_its_user,
    send_signal,
    show_count,
    spawn,
    start_following,
    take_terminal_back,
)
from cython.cimports.libc.errno import ENOENT, EPERM, ESRCH
from cython.cimports.libc.string import strlen
from cython.cimports.posix.signal import siginfo_t
from cython.cimports.posix.unistd import getpid, getppid
from cython.cimports.posix.wait import WEXITSTATUS, WIFEXITED, WTERMSIG

# Not on the stack: the page that .bss lies in is there anyhow, the stack's next page need not be.
state = cython.declare(Reaper)


def main(argc, argv):
    """Block all signals before anything else: until then PID 1 loses a TERM."""
    state.unblocked = block_signals(cython.address(state.mask))
    state.pid = getpid()
    if argc < 1 or not parse_options(argv, cython.address(state.options)):
        return 2
    if state.options.given[HELP]:
        write(1, HELP_TEXT, strlen(HELP_TEXT))
        return 0
    if state.options.given[VERSION]:
        write(1, INITSHIM_VERSION, strlen(INITSHIM_VERSION))
        return 0
    if state.options.text[INSTALL] != cython.NULL:
        default_sigchld(cython.address(state))
        return install(cython.address(state))
    return run(cython.address(state))


def run(reaper):
    """Run the program to its end; our exit code."""
    if reaper.options.given[ALL] and reaper.pid != 1:
        return not_alone(reaper)
    if not prepare(reaper):
        return 125
    error: cython.int = spawn(reaper)
    if error != 0 or reaper.child < 0:
        return cannot_start(reaper, error)
    let_go(reaper)
    show_count(reaper)
    start_following(reaper)
    if not attend(reaper):
        kill(reaper.child, SIGKILL)
        return 125
    linger(reaper)
    take_terminal_back(reaper)
    return exit_code(reaper)


def attend(reaper):
    """Forward and reap until the program has ended; false where that can't be learned."""
    info = cython.declare(siginfo_t)
    while not reaper.gone:
        if not next_signal(reaper, cython.address(info)):
            return can(reaper, b"wait for signals", errno)
        forward(reaper, cython.address(info))
        if not reap(reaper) and not reaper.gone:
            return can(reaper, b"wait for the program", errno)
    return True


def can(reaper, what, error):
    """Tell whether something could be done (`error` is 0); where not, write a line about it."""
    if error == 0:
        return True
    line = cython.declare(Line)
    begin(cython.address(line))
    put(cython.address(line), b"cannot ")
    put(cython.address(line), what)
    put_error(cython.address(line), error)
    report(cython.address(line), cython.address(reaper.options))
    return False


def not_alone(reaper):
    """Refuse --all where we are not PID 1: kill(-1) would reach every process of this user."""
    line = cython.declare(Line)
    begin(cython.address(line))
    put(cython.address(line), b"--all works only as PID 1 (see initshim --help)")
    report(cython.address(line), cython.address(reaper.options))
    return 2


def prepare(reaper):
    """See that the kernel lets us do our work, before there is a program that would suffer.

    Then adopt orphans, look at the terminal, ask for a signal at our parent's death (-p). False
    where something is denied; the line about it has been written.
    """
    if not can(reaper, b"block signals", reaper.unblocked):
        return False
    if not can(reaper, b"set SIGCHLD to its default", default_sigchld(reaper)):
        return False
    if not can(reaper, b"wait for signals", can_wait()):
        return False
    if not can(reaper, b"wait for processes", reap_the_inherited(reaper)):
        return False
    # PID 1 adopts all orphans of its namespace anyway.
    if reaper.pid != 1 or reaper.options.given[SUBREAPER]:
        prctl(PR_SET_CHILD_SUBREAPER, 1)
    look_at_terminal(reaper)
    return tie_to_parent(reaper, reaper.options.number[PARENT_DEATH])


def tie_to_parent(reaper, signum):
    """Have the kernel send us a signal when our parent dies (-p; 0: don't). False if denied."""
    if signum == 0:
        return True
    parent: cython.int = getppid()
    if prctl(PR_SET_PDEATHSIG, signum) != 0:
        return can(reaper, b"ask for a signal at the parent's death", errno)
    # It died before the call above: send ourselves the signal that the kernel would have sent.
    if getppid() != parent:
        syscall(SYS_tkill, reaper.pid, signum)
    return True


def cannot_start(reaper, error):
    """Say why the program does not run: 127 not found, 126 not executable, 125 no fork."""
    line = cython.declare(Line)
    name: cython.p_const_char = reaper.options.program[0]
    take_terminal_back(reaper)
    begin(cython.address(line))
    if reaper.child < 0:
        put(cython.address(line), b"cannot fork for ")
    else:
        put(cython.address(line), b"cannot run ")
    put_name(cython.address(line), name)
    put_error(cython.address(line), error)
    report(cython.address(line), cython.address(reaper.options))
    if reaper.child < 0:
        return 125
    return 127 if error == ENOENT else 126


def let_go(reaper):
    """Hold nothing that the program may want gone: no descriptor but 0 to 2, no working directory.

    A pipe's reader waits for its last writer, a socket's port stays taken, a mount stays busy, as
    long as we have them open. As PID 1 we keep the standard ones, so that /proc/1/fd/0 to 2 work;
    otherwise stdin is kept only as the terminal that we may have to hand over.
    """
    if syscall(SYS_close_range, 3, ~cython.cast(cython.uint, 0), 0) != 0:  # none before Linux 5.9
        file = cython.declare(cython.int)
        for file in range(3, 1024):
            close(file)
    if not reaper.terminal and reaper.pid != 1:
        close(0)
    chdir(b"/")


def forward(reaper, info):
    """Forward one signal, if it is for the program."""
    if is_ours(reaper, info):
        return
    signum: cython.int = reaper.options.rewrite[info.si_signo]
    if signum == SIGCONT and reaper.paused:
        resume_child(reaper)
        return
    if signum == 0:
        return
    to: cython.int = reaper.child
    if reaper.options.given[ALL]:
        to = -1
    elif reaper.options.given[KILL_GROUP]:
        to = -reaper.child
    error: cython.int = deliver(reaper, to, signum, info)
    if reaper.options.given[VERBOSE] or (error != 0 and not reaper.refused):
        tell_forwarded(signum, to, error)
    reaper.refused = reaper.refused or error != 0
    follow(reaper)  # not before: that may take four times as long as the sending


def deliver(reaper, to, signum, info):
    """Send one signal, 0 or the errno; as the program's user, where we may not signal that.

    The kernel calls a group signalled as soon as one of it was.
    """
    error: cython.int = send_signal(to, signum, info)
    if error == ESRCH and to < -1:  # no such group: a sandbox has denied making it
        to = reaper.child
        error = send_signal(to, signum, info)
    if error == 0 and to < 0 and kill(reaper.child, 0) != 0:
        error = errno
    if error == EPERM:
        error = send_as_its_user(reaper.child, to, signum, info)
    return error


def is_ours(reaper, info):
    """Whether a signal is for us and not the program: a child's end, our timer, our own SIGPIPE.

    A SIGCHLD that somebody sent has another si_code of 0 or less. The kernel names ourselves as the
    sender of the SIGPIPE for a line that we could not write, and forwarding that would make another
    line.
    """
    if info.si_signo == SIGCHLD and (info.si_code > 0 or info.si_code == SI_TIMER):
        return True
    return info.si_code == SI_USER and info.si_pid == reaper.pid


def tell_forwarded(signum, to, error):
    """Tell of one signal that was forwarded (-v), or could not be: once, though nobody asks."""
    line = cython.declare(Line)
    begin(cython.address(line))
    put(cython.address(line), b"forwarded " if error == 0 else b"cannot forward ")
    put_signal(cython.address(line), signum)
    put(cython.address(line), b" to ")
    if to < 0:
        put(cython.address(line), b"everybody" if to == -1 else b"group ")
        to = -to
    if to != 1:
        put_number(cython.address(line), to)
    if error != 0:
        put_error(cython.address(line), error)
    if error == EPERM:
        put(cython.address(line), b" (it runs as another user, and we lack the capability KILL)")
    print_line(cython.address(line))


def exit_code(reaper):
    """The program's exit code, 128+n where signal n ended it, 0 where -e names it."""
    code: cython.int = 128 + WTERMSIG(reaper.status)
    if WIFEXITED(reaper.status):
        code = WEXITSTATUS(reaper.status)
    return 0 if reaper.options.expected[code] else code
