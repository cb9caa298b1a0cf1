"""Say: one line of text, built in place and written at once.

No stdio: its buffers and its printf would be larger than all the rest of the reaper.
"""

import cython
from cython.cimports.initshim.grammar import TERMINATION_LOG
from cython.cimports.initshim.linux import O_CLOEXEC, O_NOFOLLOW, close, open_file, write
from cython.cimports.libc.string import strlen
from cython.cimports.posix.fcntl import O_APPEND, O_NONBLOCK, O_WRONLY


def begin(line):
    """Start a line with our name."""
    line.size = 0
    put(line, b"initshim: ")


def put(line, text):
    """Add text of our own."""
    add(line, text, 500)


def put_name(line, name):
    """Add text of somebody else's, cut off where what follows it would find no room."""
    add(line, name, 300)


def add(line, text, limit):
    """Add text until the line has so many characters."""
    at: cython.int = 0
    while text[at] != 0 and line.size < limit:
        line.text[line.size] = text[at]
        line.size += 1
        at += 1
    line.text[line.size] = 0


def put_number(line, number):
    """Add a number in decimal digits."""
    digits = cython.declare(cython.char[11])
    at: cython.int = 10
    digits[at] = 0
    while True:
        at -= 1
        digits[at] = ord("0") + number % 10
        number //= 10
        if number == 0:
            break
    put(line, cython.address(digits[at]))


def put_error(line, error):
    """Add what an errno means."""
    put(line, b": ")
    text: cython.p_const_char = errors()
    while text[0] != 0:
        if text[0] == error:
            put(line, text + 1)
            return
        text += strlen(text) + 1
    put(line, b"error ")
    put_number(line, error)


def errors():
    """The errors that exec, fork and a copy can meet: number, words. musl's whole list is 2 kB.

    (The numbers are the same on every machine that we build for.)
    """
    return (
        b"\x01Operation not permitted\0"
        b"\x02No such file or directory\0"
        b"\x03No such process\0"
        b"\x05Input/output error\0"
        b"\x06No such device or address\0"
        b"\x07Argument list too long\0"
        b"\x08Exec format error\0"
        b"\x09Bad file descriptor\0"
        b"\x0aNo child processes\0"
        b"\x0bResource temporarily unavailable\0"
        b"\x0cCannot allocate memory\0"
        b"\x0dPermission denied\0"
        b"\x0eBad address\0"
        b"\x10Device or resource busy\0"
        b"\x11File exists\0"
        b"\x12Invalid cross-device link\0"
        b"\x13No such device\0"
        b"\x14Not a directory\0"
        b"\x15Is a directory\0"
        b"\x16Invalid argument\0"
        b"\x17Too many open files in system\0"
        b"\x18Too many open files\0"
        b"\x1aText file busy\0"
        b"\x1bFile too large\0"
        b"\x1cNo space left on device\0"
        b"\x1eRead-only file system\0"
        b"\x1fToo many links\0"
        b"\x24File name too long\0"
        b"\x26Function not implemented\0"
        b"\x27Directory not empty\0"
        b"\x28Too many levels of symbolic links\0"
        b"\x4aBad message\0"
        b"\x4bValue too large for defined data type\0"
        b"\x50Accessing a corrupted shared library\0"
        b"\x5fOperation not supported\0"
        b"\x74Stale file handle\0"
        b"\x75Structure needs cleaning\0"
        b"\x7aDisk quota exceeded\0"
        b"\x7eRequired key not available\0"
    )


def print_line(line):
    """Write the line to stderr; where that is gone there is nobody to tell."""
    line.text[line.size] = ord("\n")
    write(2, line.text, line.size + 1)
    line.text[line.size] = 0


def report(line, options):
    """Write the line to stderr and to the termination message file, for `kubectl describe pod`.

    The file is never created: where the kubelet did not make one, nobody reads it. O_NONBLOCK: it
    could be a pipe. O_NOFOLLOW: whoever can write into its folder must not choose another file.
    """
    print_line(line)
    file: cython.int = open_file(
        options.text[TERMINATION_LOG], O_WRONLY | O_APPEND | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC
    )
    if file >= 0:
        line.text[line.size] = ord("\n")
        write(file, line.text, line.size + 1)
        close(file)
