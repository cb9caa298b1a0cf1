"""Start: what runs before main, in place of musl's own start-up.

musl would set up threads, thread-local storage, stdio and atexit, which we have none of: 2 kB, and
time in which PID 1 loses signals. Without them main needs the environment, and a place for errno.
"""

import cython
from cython.cimports.initshim.linux import leave, set_environ

last_error = cython.declare(cython.int)


def __libc_start_main(program, argc, argv):
    """Call main: musl's crt1 calls this first, with what the kernel left on the stack.

    That is argc, then argv and its NULL, then the environment.
    """
    set_environ(argv + argc + 1)
    leave(program(argc, argv))


def __errno_location():
    """Where errno is: with one thread, a variable as any other."""
    return cython.address(last_error)


def ___errno_location():
    """The same under the name that musl itself calls it by."""
    return cython.address(last_error)
