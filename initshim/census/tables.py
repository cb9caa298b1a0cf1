"""Tables: which zombies the first look saw, and how many there are of each kind and cgroup."""

import cython
from cython.cimports.initshim.census.shared import Group, Kind
from cython.cimports.initshim.census.tables import Seen
from cython.cimports.libc.stdint import uint64_t
from cython.cimports.libc.string import memcpy, strcmp


def note_zombie(census, process):
    """Count a zombie under its parent and name, and remember it for the second look."""
    kind: cython.pointer(Kind) = kind_of(census, process)
    if census.looks > 0:
        if kind != cython.NULL:
            kind.now += 1
            kind.stayed += was_seen(census, process)
        return
    if kind != cython.NULL:
        kind.before += 1
    if census.seen == cython.sizeof(seen) // cython.sizeof(Seen):
        census.full = True
        return
    remember(census, process)


def remember(census, process):
    """Keep a zombie in the order of PIDs: at the end, since that is how the kernel lists them."""
    at: cython.int = census.seen
    while at > 0 and seen[at - 1].pid > process.pid:
        seen[at] = seen[at - 1]
        at -= 1
    seen[at].pid = process.pid
    seen[at].started = process.started
    census.seen += 1


def was_seen(census, process):
    """Tell whether the first look saw this very process, by binary search."""
    low: cython.int = 0
    high: cython.int = census.seen
    while low < high:
        middle: cython.int = (low + high) // 2
        if seen[middle].pid < process.pid:
            low = middle + 1
        else:
            high = middle
    if low == census.seen or seen[low].pid != process.pid:
        return False
    return seen[low].started == process.started


def kind_of(census, process):
    """The row for zombies of that parent and name, made where there is none; NULL: no room."""
    at: cython.int = census.kinds
    while at > 0:
        at -= 1
        if kinds[at].parent == process.parent and strcmp(kinds[at].name, process.name) == 0:
            return cython.address(kinds[at])
    if census.kinds == cython.sizeof(kinds) // cython.sizeof(Kind):
        census.full = True
        return cython.NULL
    at = census.kinds
    census.kinds += 1
    kinds[at].parent = process.parent
    memcpy(kinds[at].name, process.name, 16)
    return cython.address(kinds[at])


def group_of(census, path):
    """The row of a cgroup, made where there is none; -1: no room. Told apart by FNV-1a, 64 bits."""
    # 14695981039346656037, in two halves: Cython would make a Python integer of it.
    code: uint64_t = cython.cast(uint64_t, 3421674724) << 32 | cython.cast(uint64_t, 2216829733)
    prime: uint64_t = cython.cast(uint64_t, 256) << 32 | cython.cast(uint64_t, 435)
    while path[0] != 0:
        code = (code ^ cython.cast(cython.uchar, path[0])) * prime
        path += 1
    at: cython.int = census.groups
    while at > 0:
        at -= 1
        if groups[at].hash == code:
            return at
    if census.groups == cython.sizeof(groups) // cython.sizeof(Group):
        census.full = True
        return -1
    at = census.groups
    census.groups += 1
    groups[at].hash = code
    return at


def kind_at(index):
    """A row of the kinds."""
    return cython.address(kinds[index])


def group_at(index):
    """A row of the cgroups."""
    return cython.address(groups[index])
