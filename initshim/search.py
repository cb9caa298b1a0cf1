"""Search: exec a program by its name, along PATH, as execvp does it.

musl's own comes with 1.4 kB of string functions. As there, a script without `#!` is not handed to a
shell: it is the kernel's "Exec format error", as a container runtime gives it.
"""

import cython
from cython.cimports.initshim.linux import environ, errno, execve
from cython.cimports.initshim.shared import find
from cython.cimports.libc.errno import EACCES, ENAMETOOLONG, ENOENT, ENOTDIR
from cython.cimports.libc.string import memcpy, strlen, strncmp


def exec_program(argv):
    """Become the program that argv[0] names; where that fails, the errno."""
    if argv[0][0] == 0:
        return ENOENT
    if find(argv[0], ord("/")) != cython.NULL:
        execve(argv[0], argv, environ)
        return errno
    if strlen(argv[0]) > 255:
        return ENAMETOOLONG
    path: cython.pp_char = variable(b"PATH=")
    if path == cython.NULL:
        return exec_along(b"/usr/local/bin:/bin:/usr/bin", argv)
    return exec_along(path[0] + 5, argv)


def variable(name):
    """Where in the environment `NAME=` is, or NULL."""
    at: cython.pp_char = environ
    while at[0] != cython.NULL:
        if strncmp(at[0], name, strlen(name)) == 0:
            return at
        at += 1
    return cython.NULL


def exec_along(path, argv):
    """Try the folders of path in turn.

    One that we may not look into, or a file in it that we may not run, is passed over, but is told
    in the end where nothing better was found.
    """
    found: cython.int = ENOENT
    while True:
        size: cython.size_t = 0
        while path[size] != 0 and path[size] != ord(":"):
            size += 1
        error: cython.int = exec_in(path, size, argv)
        if error == EACCES:
            found = EACCES
        elif error not in (ENOENT, ENOTDIR):
            return error
        if path[size] == 0:
            return found
        path += size + 1


def exec_in(folder, size, argv):
    """Try one folder, whose name has so many characters; none: the working directory."""
    file = cython.declare(cython.char[4096 + 257])
    if size > 4096:
        return ENOENT
    memcpy(file, folder, size)
    file[size] = ord("/")
    memcpy(cython.address(file[size + 1 if size > 0 else 0]), argv[0], strlen(argv[0]) + 1)
    execve(file, argv, environ)
    return errno
