r"""The census: look at every process of a node twice, and say whose the zombies are.

It runs once, in a pod with `hostPID: true`, without root, and writes to its log.
What it writes, one JSON object a line, `kind` first:

- `first`: PID 1 of a container: pid, name, group, cgroup, term (default, ignored or handled)
- `zombies`: of one name under one parent: name, parent, before, now, stayed (counts at the first
  look, at the second, and of those at both), and of the parent its parent_name, parent_parent,
  parent_first (1: PID 1 of its container), group, cgroup
- `group`: a cgroup that was named above: group, processes, threads, zombies
- `node`: the last line: seconds between the looks, processes, threads, zombies, pid_max,
  threads_max, full (1: too many for the tables, so counts are too low), hidden (1: /proc is mounted
  with hidepid, so that others' processes were not seen)

Texts are bytes: \u00XX is the byte XX. Compiled as the reaper is, from Cython's pure Python mode.
"""

import cython
from cython.cimports.initshim.census.census import Span
from cython.cimports.initshim.census.shared import (
    Census,
    First,
    Group,
    Process,
    Text,
    begin_line,
    end_line,
    group_at,
    group_of,
    kind_at,
    next_pid,
    note_zombie,
    number_at,
    open_folder,
    put_count,
    put_text,
    read_cgroup,
    read_file,
    read_first,
    read_process,
)
from cython.cimports.initshim.linux import INITSHIM_VERSION, SYS_ppoll, syscall, write
from cython.cimports.initshim.shared import number_in
from cython.cimports.libc.string import memset, strcmp, strlen


def main(argc, argv):
    """`census [--watch SECONDS] [--proc FOLDER]`; 0, 1 where /proc can't be read, 2 if misused."""
    census = cython.declare(Census)
    seconds: cython.int = 5
    memset(cython.address(census), 0, cython.sizeof(Census))
    census.proc = b"/proc"
    census.folder = -1
    at: cython.int = 1
    while at < argc:
        if strcmp(argv[at], b"--version") == 0:
            write(1, INITSHIM_VERSION, strlen(INITSHIM_VERSION))
            return 0
        if at + 1 == argc:
            return wrong(argv[at])
        if strcmp(argv[at], b"--watch") == 0:
            seconds = number_in(argv[at + 1], 86400)  # a day at the most
            if seconds < 1:
                return wrong(argv[at + 1])
        elif strcmp(argv[at], b"--proc") == 0:
            census.proc = argv[at + 1]
        else:
            return wrong(argv[at])
        at += 2
    if not look_at_processes(cython.address(census)):
        write(2, b"census: /proc can't be read\n", 28)
        return 1
    wait(seconds, 0)
    look_at_processes(cython.address(census))
    tell_parents(cython.address(census))
    tell_groups(cython.address(census))
    tell_node(cython.address(census), seconds)
    return 0


def wrong(what):
    """Say what was not understood; 2."""
    write(2, b"census: not understood: ", 24)
    write(2, what, strlen(what))
    write(2, b"; usage: census [--watch SECONDS] [--proc FOLDER]\n", 50)
    return 2


def wait(seconds, nanoseconds):
    """Wait, by ppoll: its seconds are a machine word everywhere, nanosleep's are not."""
    span = cython.declare(Span)
    span.seconds = seconds
    span.nanoseconds = nanoseconds
    syscall(SYS_ppoll, cython.NULL, 0, cython.address(span), cython.NULL, 8)


def look_at_processes(census):
    """Look at every process once; false where there is nothing to look at."""
    process = cython.declare(Process)
    if not open_folder(census):
        return False
    pid: cython.int = next_pid(census)
    while pid > 0:
        if read_process(census, pid, cython.address(process)):
            if process.state == ord("Z"):
                note_zombie(census, cython.address(process))
            if census.looks > 0:
                count(census, cython.address(process))
        pid = next_pid(census)
    census.looks += 1
    return True


def count(census, process):
    """Count a process at the second look, and tell of it if it is PID 1 of a container."""
    text = cython.declare(Text)
    first = cython.declare(First)
    group: cython.pointer(Group)
    census.processes += 1
    # A zombie holds one PID, and what its file says of threads is 1, too.
    census.threads += process.threads if process.threads > 0 else 1
    if process.state == ord("Z"):
        census.zombies += 1
        return  # its cgroup may be the root by now: it is counted under its parent's
    if not read_cgroup(census, process.pid, cython.address(text)):
        return
    at: cython.int = group_of(census, text.text)
    if at >= 0:
        group = group_at(at)
        group.processes += 1
        group.threads += process.threads
    read_first(census, process.pid, cython.address(first))
    if first.is_first:
        if first.blocked and not first.handled:
            first.handled = stays_blocked(census, process.pid, cython.address(first))
        tell_first(census, process, cython.address(first))


def stays_blocked(census, pid, first):
    """Tell whether SIGTERM stays blocked: who blocks it for good waits for it, as inits do.

    A C library blocks all signals while it forks: one that is seen so is looked at again.
    """
    tries: cython.int = 0
    while tries < 5 and first.blocked:
        wait(0, 3000000 << tries)
        read_first(census, pid, first)
        tries += 1
    return first.handled or first.blocked


def tell_first(census, process, first):
    """Tell of PID 1 of a container."""
    text = cython.declare(Text)
    if not read_cgroup(census, process.pid, cython.address(text)):
        return
    begin_line(b"first")
    put_count(b"pid", process.pid)
    put_text(b"name", process.name)
    put_count(b"group", group_of(census, text.text) + 1)
    put_text(b"cgroup", text.text)
    put_text(b"term", b"handled" if first.handled else b"ignored" if first.ignored else b"default")
    end_line()


def tell_parents(census):
    """Tell of the zombies, under each parent and name."""
    at: cython.int = 0
    while at < census.kinds:
        tell_kind(census, kind_at(at))
        at += 1


def tell_kind(census, kind):
    """Tell of the zombies of one parent and name."""
    process = cython.declare(Process)
    first = cython.declare(First)
    text = cython.declare(Text)
    group: cython.pointer(Group)
    begin_line(b"zombies")
    put_text(b"name", kind.name)
    put_count(b"parent", kind.parent)
    put_count(b"before", kind.before)
    put_count(b"now", kind.now)
    put_count(b"stayed", kind.stayed)
    if read_process(census, kind.parent, cython.address(process)) and read_cgroup(
        census, kind.parent, cython.address(text)
    ):
        at: cython.int = group_of(census, text.text)
        if at >= 0:
            group = group_at(at)
            group.zombies += kind.now
        put_text(b"parent_name", process.name)
        put_count(b"parent_parent", process.parent)
        read_first(census, kind.parent, cython.address(first))
        put_count(b"parent_first", first.is_first)
        put_count(b"group", at + 1)
        put_text(b"cgroup", text.text)
    end_line()


def tell_groups(census):
    """Tell how many processes each cgroup has."""
    group: cython.pointer(Group)
    at: cython.int = 0
    while at < census.groups:
        group = group_at(at)
        at += 1
        begin_line(b"group")
        put_count(b"group", at)
        put_count(b"processes", group.processes + group.zombies)
        put_count(b"threads", group.threads + group.zombies)
        put_count(b"zombies", group.zombies)
        end_line()


def tell_node(census, seconds):
    """Tell of the node as a whole; this line is the last."""
    text = cython.declare(Text)
    process = cython.declare(Process)
    begin_line(b"node")
    put_count(b"seconds", seconds)
    put_count(b"processes", census.processes)
    put_count(b"threads", census.threads)
    put_count(b"zombies", census.zombies)
    if read_file(census, 0, b"/sys/kernel/pid_max", cython.address(text)):
        put_count(b"pid_max", number_at(text.text))
    if read_file(census, 0, b"/sys/kernel/threads-max", cython.address(text)):
        put_count(b"threads_max", number_at(text.text))
    put_count(b"full", census.full)
    # PID 1 is always there, so whoever can't read of it can't read of others either.
    put_count(b"hidden", not read_process(census, 1, cython.address(process)))
    end_line()
