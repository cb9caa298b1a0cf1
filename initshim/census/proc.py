"""Proc: read what the kernel says of one process after the other (proc(5)).

Everything read here is open to every user, unless /proc is mounted with `hidepid`.
"""

import cython
from cython.cimports.initshim.census.shared import Text
from cython.cimports.initshim.linux import (
    O_CLOEXEC,
    O_DIRECTORY,
    SYS_getdents64,
    SYS_lseek,
    close,
    open_file,
    read,
    syscall,
)
from cython.cimports.initshim.shared import number_in
from cython.cimports.libc.stdint import uint64_t
from cython.cimports.libc.string import memcpy, strlen
from cython.cimports.posix.fcntl import O_RDONLY


def open_folder(census):
    """Open the folder, or go back to its start; false where it can't be read."""
    global filled, position
    filled = 0
    position = 0
    if census.folder >= 0:
        syscall(SYS_lseek, census.folder, 0, 0)
        return True
    census.folder = open_file(census.proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    return census.folder >= 0


def next_pid(census):
    """Give the next process, in ascending order as the kernel lists them; 0 at the end."""
    global filled, position
    while True:
        if position >= filled:
            filled = syscall(SYS_getdents64, census.folder, entries, cython.sizeof(entries))
            position = 0
            if filled <= 0:
                return 0
        # struct linux_dirent64: inode and offset, 8 bytes each; length, 2; type, 1; the name.
        entry: cython.p_char = cython.address(entries[position])
        length: cython.p_uchar = cython.cast(cython.p_uchar, cython.address(entry[16]))
        size = cython.declare(cython.ushort)
        memcpy(cython.address(size), length, 2)
        position += size
        pid: cython.int = number_in(entry + 19, 4194304)
        if pid > 0:
            return pid


def append(end, text, limit):
    """Add text at the end of a path; the new end."""
    while text[0] != 0 and end < limit:
        end[0] = text[0]
        end += 1
        text += 1
    end[0] = 0
    return end


def read_file(census, pid, name, text):
    """Read a file, as much as there is room for; false where it is gone. PID 0: the kernel's."""
    path = cython.declare(cython.char[512])
    digits = cython.declare(cython.char[12])
    limit: cython.p_char = cython.address(path[500])
    at: cython.int = 11
    left: cython.int = pid
    digits[at] = 0
    while left > 0:
        at -= 1
        digits[at] = ord("0") + left % 10
        left //= 10
    end: cython.p_char = append(path, census.proc, limit)
    if pid > 0:
        end = append(end, b"/", limit)
        end = append(end, cython.address(digits[at]), limit)
    end = append(end, name, limit)
    text.size = 0
    text.text[0] = 0
    file: cython.int = open_file(path, O_RDONLY | O_CLOEXEC)
    if file < 0:
        return False
    room: cython.int = cython.sizeof(text.text) - 1
    while text.size < room:
        size: cython.Py_ssize_t = read(file, cython.address(text.text[text.size]), room - text.size)
        if size <= 0:
            break
        text.size += size
    text.text[text.size] = 0
    close(file)
    return text.size > 0


def end_of_name(text):
    """The parenthesis that closes the name: the last one, since a name may hold others."""
    at: cython.int = text.size - 1
    while at > 0 and text.text[at] != ord(")"):
        at -= 1
    return cython.address(text.text[at])


def field(text, number):
    """The field of that number after the name; the state is field 3 (proc(5))."""
    at: cython.int = 2
    while text[0] != 0:
        if text[0] == ord(" "):
            at += 1
            if at == number:
                return text + 1
        text += 1
    return text


def number_at(text):
    """The decimal number that stands there."""
    number: uint64_t = 0
    while ord("0") <= text[0] <= ord("9"):
        number = number * 10 + text[0] - ord("0")
        text += 1
    return number


def read_process(census, pid, process):
    """Read who a process is; false where it is gone."""
    text = cython.declare(Text)
    if not read_file(census, pid, b"/stat", cython.address(text)):
        return False
    end: cython.p_char = end_of_name(cython.address(text))
    name: cython.p_char = text.text
    while name < end and name[0] != ord("("):
        name += 1
    size: cython.int = 0
    while name + 1 + size < end and size < 15:
        process.name[size] = name[1 + size]
        size += 1
    process.name[size] = 0
    process.pid = pid
    process.state = field(end, 3)[0]
    process.parent = number_at(field(end, 4))
    process.threads = number_at(field(end, 20))
    process.started = number_at(field(end, 22))
    return process.state != 0


def line_of(text, key):
    """What follows a key at the start of a line; NULL where no line has it."""
    size: cython.size_t = strlen(key)
    line: cython.p_char = text.text
    while line[0] != 0:
        at: cython.size_t = 0
        while at < size and line[at] == key[at]:
            at += 1
        if at == size:
            return line + size
        while line[0] != 0 and line[0] != ord("\n"):
            line += 1
        if line[0] != 0:
            line += 1
    return cython.NULL


def hexadecimal_at(text):
    """The hexadecimal number that stands there, as the kernel writes sets of signals."""
    number: uint64_t = 0
    while text[0] == ord(" ") or text[0] == ord("\t"):
        text += 1
    while True:
        if ord("0") <= text[0] <= ord("9"):
            number = number * 16 + text[0] - ord("0")
        elif ord("a") <= text[0] <= ord("f"):
            number = number * 16 + text[0] - ord("a") + 10
        else:
            return number
        text += 1


def is_outer_1(numbers):
    """Tell whether it is PID 1 one namespace below the node's, as in `NSpid: 4711 1`.

    Deeper ones are no container's first: a browser's sandbox, a container's own containers.
    """
    count: cython.int = 0
    last: uint64_t = 0
    while numbers[0] != 0 and numbers[0] != ord("\n"):
        if ord("0") <= numbers[0] <= ord("9"):
            last = number_at(numbers)
            count += 1
            while ord("0") <= numbers[0] <= ord("9"):
                numbers += 1
        else:
            numbers += 1
    return count == 2 and last == 1


def read_first(census, pid, first):
    """Read whether it is PID 1 of a container, and what SIGTERM does to it."""
    text = cython.declare(Text)
    first.is_first = False
    first.handled = False
    first.blocked = False
    first.ignored = False
    if not read_file(census, pid, b"/status", cython.address(text)):
        return
    numbers: cython.p_const_char = line_of(cython.address(text), b"NSpid:")
    first.is_first = numbers != cython.NULL and is_outer_1(numbers)
    if not first.is_first:
        return
    term: uint64_t = 1 << 14  # SIGTERM is 15
    caught: cython.p_const_char = line_of(cython.address(text), b"SigCgt:")
    blocked: cython.p_const_char = line_of(cython.address(text), b"SigBlk:")
    ignored: cython.p_const_char = line_of(cython.address(text), b"SigIgn:")
    first.handled = caught != cython.NULL and (hexadecimal_at(caught) & term) != 0
    first.blocked = blocked != cython.NULL and (hexadecimal_at(blocked) & term) != 0
    first.ignored = ignored != cython.NULL and (hexadecimal_at(ignored) & term) != 0


def read_cgroup(census, pid, text):
    """Leave the longest path of its cgroups in `text`; false where the process is gone.

    With cgroup v1 a process has a path in each hierarchy, the root in some of them; with v2, one.
    """
    if not read_file(census, pid, b"/cgroup", text):
        return False
    best: cython.p_char = text.text
    longest: cython.Py_ssize_t = -1
    at: cython.p_char = text.text
    while at[0] != 0:
        colons: cython.int = 0
        while at[0] != 0 and at[0] != ord("\n") and colons < 2:
            colons += at[0] == ord(":")
            at += 1
        path: cython.p_char = at
        while at[0] != 0 and at[0] != ord("\n"):
            at += 1
        if at - path > longest:
            longest = at - path
            best = path
        if at[0] != 0:
            at += 1
    size: cython.int = 0
    while size < longest:
        text.text[size] = best[size]
        size += 1
    text.text[size] = 0
    text.size = size
    return size > 0
