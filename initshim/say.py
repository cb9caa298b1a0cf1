"""Say: one line of text, built in place and written at once.

No stdio: its buffers and its printf would be larger than all the rest of the reaper.
"""

import cython
from cython.cimports.initshim.linux import O_CLOEXEC, open_file
from cython.cimports.libc import errno as e
from cython.cimports.posix.fcntl import O_APPEND, O_NONBLOCK, O_WRONLY
from cython.cimports.posix.unistd import close, write


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
    text: cython.p_const_char = error_text(error)
    if text != cython.NULL:
        put(line, text)
    else:
        put(line, b"error ")
        put_number(line, error)


def error_text(error):
    """The words of the errors that exec, fork and a copy can meet; musl's whole list is 2 kB."""
    if error == e.EPERM:
        return b"Operation not permitted"
    if error == e.ENOENT:
        return b"No such file or directory"
    if error == e.ESRCH:
        return b"No such process"
    if error == e.EIO:
        return b"Input/output error"
    if error == e.E2BIG:
        return b"Argument list too long"
    if error == e.ENOEXEC:
        return b"Exec format error"
    if error == e.EAGAIN:
        return b"Resource temporarily unavailable"
    if error == e.ENOMEM:
        return b"Cannot allocate memory"
    if error == e.EACCES:
        return b"Permission denied"
    if error == e.ENOTDIR:
        return b"Not a directory"
    if error == e.EISDIR:
        return b"Is a directory"
    if error == e.EINVAL:
        return b"Invalid argument"
    if error == e.EMFILE:
        return b"Too many open files"
    if error == e.ETXTBSY:
        return b"Text file busy"
    if error == e.ENOSPC:
        return b"No space left on device"
    if error == e.EROFS:
        return b"Read-only file system"
    if error == e.ENAMETOOLONG:
        return b"File name too long"
    if error == e.ELOOP:
        return b"Too many levels of symbolic links"
    return cython.NULL


def tell(line):
    """Write the line to stderr; where that is gone there is nobody to tell."""
    line.text[line.size] = ord("\n")
    write(2, line.text, line.size + 1)
    line.text[line.size] = 0


def report(line, message):
    """Write the line to stderr and to the termination message file, for `kubectl describe pod`.

    The file is never created: where the kubelet did not make one, nobody reads it. O_NONBLOCK: it could be a pipe.
    """
    tell(line)
    file: cython.int = open_file(message, O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC)
    if file >= 0:
        line.text[line.size] = ord("\n")
        write(file, line.text, line.size + 1)
        close(file)


def number_in(text, most):
    """The decimal number that text is, all of it; -1 where it is none or greater than `most`."""
    number: cython.int = 0
    if text[0] == 0:
        return -1
    while text[0] != 0:
        if text[0] < ord("0") or text[0] > ord("9"):
            return -1
        number = number * 10 + text[0] - ord("0")
        if number > most:
            return -1
        text += 1
    return number


def find(text, letter):
    """Where a letter first is in text, or NULL. (zig's strchr is 700 bytes of vector code.)"""
    while text[0] != 0:
        if text[0] == letter:
            return text
        text += 1
    return cython.NULL
