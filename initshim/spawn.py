"""Spawn: start the program as our child, as if nobody stood between it and whoever started us."""

import cython
from cython.cimports.initshim.linux import (
    close,
    errno,
    leave,
    new_process,
    open_pipe,
    read,
    set_foreground,
    setpgid,
    write,
)
from cython.cimports.initshim.shared import (
    Line,
    cannot_start,
    exec_program,
    number_in,
    put,
    put_number,
    restore_signals,
    variable,
)
from cython.cimports.libc.errno import EINTR
from cython.cimports.posix.unistd import getpid


def spawn(reaper):
    """Start the program and wait until it runs; 0 or the errno.

    Where not even the fork succeeded, reaper.child is -1.

    A failed exec comes back over a pipe. A successful one closes the pipe, and the read ends with
    nothing. Where a sandbox denies the pipe, the child says itself what failed.
    """
    ends = cython.declare(cython.int[2])
    error: cython.int = 0
    if open_pipe(ends) != 0:
        ends[0] = ends[1] = -1
    reaper.child = new_process()
    if reaper.child < 0:
        return errno
    if reaper.child == 0:
        close(ends[0])
        become_program(reaper, ends[1])
    # While we hold the pipe's end for writing, the read below would never end.
    ends_with_exec: cython.bint = close(ends[1]) == 0
    if not reaper.ungrouped:
        # The child does the same: either may run first, and both need it done before they go on.
        setpgid(reaper.child, reaper.child)
    while ends_with_exec and read(ends[0], cython.address(error), cython.sizeof(error)) < 0:
        if errno != EINTR:
            break
    close(ends[0])
    return error


def become_program(reaper, pipe):
    """Become the program (in the child); where the kernel refuses, tell why."""
    listen = cython.declare(Line)
    if not reaper.ungrouped:
        setpgid(0, 0)
    if reaper.handed:
        set_foreground(getpid())  # SIGTTOU is still blocked: it would stop us here
    pass_listen_pid(reaper, cython.address(listen))
    restore_signals(reaper)
    error: cython.int = exec_program(reaper.options.program)
    if write(pipe, cython.address(error), cython.sizeof(error)) > 0:
        leave(127)
    leave(cannot_start(reaper, error))


def pass_listen_pid(reaper, line):
    """Address systemd's socket activation to the program, where it was addressed to us.

    A program takes the sockets only if LISTEN_PID is its own pid: man 3 sd_listen_fds.
    """
    listen: cython.pp_char = variable(b"LISTEN_PID=")
    if listen != cython.NULL and number_in(listen[0] + 11, 4194304) == reaper.pid:
        line.size = 0
        put(line, b"LISTEN_PID=")
        put_number(line, getpid())
        listen[0] = line.text
