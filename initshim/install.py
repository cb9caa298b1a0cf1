"""Install: copy our own executable to a place from where the pod's containers run it.

This is the init container's whole job; its image holds us, and the census.
"""

import cython
from cython.cimports.initshim.grammar import INSTALL
from cython.cimports.initshim.linux import (
    AT_FDCWD,
    AT_SYMLINK_NOFOLLOW,
    O_CLOEXEC,
    O_NOFOLLOW,
    SYS_statx,
    change_mode,
    close,
    environ,
    errno,
    execve,
    fsync,
    leave,
    new_process,
    open_file,
    read,
    syscall,
    unlink,
    write,
)
from cython.cimports.initshim.shared import (
    Line,
    begin,
    put,
    put_error,
    put_name,
    report,
    restore_signals,
    wait_for,
)
from cython.cimports.libc.errno import EACCES, ENAMETOOLONG
from cython.cimports.libc.stdio import rename
from cython.cimports.libc.string import memcpy, strlen
from cython.cimports.posix.fcntl import O_CREAT, O_EXCL, O_RDONLY, O_WRONLY


def install(reaper):
    """Copy ourselves to the destination, run the copy once; the exit code.

    An init container can run again while the containers run the last copy, and a running file
    can't be written to ("Text file busy"). So the new copy is made beside it and renamed over it.
    """
    destination: cython.p_const_char = reaper.options.text[INSTALL]
    beside = cython.declare(cython.char[4096])
    size: cython.size_t = strlen(destination)
    if not replaceable(destination):
        return failed(
            b"cannot install ",
            0,
            b": it exists and is no regular file",
            cython.address(reaper.options),
        )
    if size + 5 > cython.sizeof(beside):
        return failed(b"cannot install ", ENAMETOOLONG, b"", cython.address(reaper.options))
    memcpy(beside, destination, size)
    memcpy(cython.address(beside[size]), b".new", 5)

    error: cython.int = copy_to(beside)
    if error == 0 and rename(beside, destination) != 0:
        error = errno
    if error != 0:
        unlink(beside)
        return failed(b"cannot install ", error, b"", cython.address(reaper.options))
    return try_copy(reaper)


def replaceable(name):
    """Whether there is nothing of that name, or a regular file that the copy may take the place of.

    What can't be looked at is left to the calls that follow: a kernel before 4.11 has no statx.
    """
    # The kernel's struct statx: 64 words of 32 bits, the same on every machine; stx_mode is the
    # lower half of the eighth.
    status = cython.declare(cython.ushort[128])
    if syscall(SYS_statx, AT_FDCWD, name, AT_SYMLINK_NOFOLLOW, 1, status) != 0:
        return True
    return (status[14] & 0o170000) == 0o100000


def copy_to(name):
    """Write a copy of our executable to a new file; 0 or the errno."""
    source: cython.int = open_file(b"/proc/self/exe", O_RDONLY | O_CLOEXEC)
    if source < 0:
        return errno
    unlink(name)  # one that a killed predecessor left
    target: cython.int = open_file(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)
    if target < 0:
        return errno
    error: cython.int = copy_bytes(source, target)
    if error == 0 and (change_mode(target, 0o555) != 0 or fsync(target) != 0):
        error = errno
    # Closed before it is run: a file that is open for writing can't be executed.
    if close(target) != 0 and error == 0:
        error = errno
    return error


def copy_bytes(source, target):
    """Copy one open file to the other; 0 or the errno."""
    block = cython.declare(cython.char[4096])
    while True:
        size: cython.Py_ssize_t = read(source, block, cython.sizeof(block))
        if size <= 0:
            return 0 if size == 0 else errno
        done: cython.Py_ssize_t = 0
        while done < size:
            written: cython.Py_ssize_t = write(target, cython.address(block[done]), size - done)
            if written < 0:
                return errno
            done += written


def try_copy(reaper):
    """Run the copy with --version, which prints it; 0, or 125 or 126 where the copy can't run."""
    status: cython.int = 0
    child: cython.int = new_process()
    if child == 0:
        run_copy(reaper)
    if child < 0 or wait_for(child, cython.address(status), 0) < 0:
        return failed(b"cannot try ", errno, b"", cython.address(reaper.options))
    if status == 126 << 8:
        return 126  # the child has said why
    if status != 0:
        return failed(b"the copy does not work: ", 0, b"", cython.address(reaper.options))
    return 0


def run_copy(reaper):
    """Become the copy (in the child); where the kernel refuses, say why."""
    argv = cython.declare(cython.p_char[3])
    argv[0] = cython.cast(cython.p_char, reaper.options.text[INSTALL])
    argv[1] = cython.cast(cython.p_char, b"--version")
    argv[2] = cython.NULL
    restore_signals(reaper)
    execve(argv[0], argv, environ)
    error: cython.int = errno
    hint: cython.p_const_char = b" (is the volume mounted noexec?)" if error == EACCES else b""
    failed(b"the copy cannot run: ", error, hint, cython.address(reaper.options))
    leave(126)


def failed(what, error, rest, options):
    """Say which file could not be installed or run, and why; 125."""
    line = cython.declare(Line)
    begin(cython.address(line))
    put(cython.address(line), what)
    put_name(cython.address(line), options.text[INSTALL])
    if error != 0:
        put_error(cython.address(line), error)
    put(cython.address(line), rest)
    report(cython.address(line), options)
    return 125
