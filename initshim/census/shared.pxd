# What the modules of the census share. See initshim/reaper.py on how they are compiled and linked.
from libc.stdint cimport uint64_t
from posix.types cimport pid_t

cdef struct Process:
    pid_t pid
    pid_t parent
    char state                      # as /proc/PID/stat has it: Z for a zombie
    unsigned int threads
    uint64_t started                # clock ticks after boot: with the pid it names a process for good
    char name[16]

cdef struct First:
    bint is_first                   # PID 1 of a PID namespace right below the node's
    bint handled                    # SIGTERM has a handler,
    bint blocked                    # or is blocked,
    bint ignored                    # or is ignored

cdef struct Kind:
    pid_t parent
    char name[16]
    unsigned int before             # zombies of that name and parent at the first look,
    unsigned int now                # at the second,
    unsigned int stayed             # and at both

cdef struct Group:
    uint64_t hash                   # of the cgroup's path
    unsigned int processes
    unsigned int threads
    unsigned int zombies

cdef struct Census:
    const char *proc                # where proc is mounted
    int folder                      # and open
    int looks                       # how many looks were taken
    unsigned int processes
    unsigned int zombies
    unsigned int threads
    int seen                        # how many zombies the first look noted
    int kinds
    int groups
    bint full                       # a table was too small

cdef struct Text:
    int size
    char text[16384]

# proc: files of /proc
cdef extern bint open_folder(Census *census) noexcept nogil
cdef extern pid_t next_pid(Census *census) noexcept nogil
cdef extern bint read_file(Census *census, pid_t pid, const char *name, Text *text) noexcept nogil
cdef extern bint read_process(Census *census, pid_t pid, Process *process) noexcept nogil
cdef extern void read_first(Census *census, pid_t pid, First *first) noexcept nogil
cdef extern bint read_cgroup(Census *census, pid_t pid, Text *text) noexcept nogil
cdef extern uint64_t number_at(const char *text) noexcept nogil

# tables: what was seen
cdef extern void note_zombie(Census *census, Process *process) noexcept nogil
cdef extern int group_of(Census *census, const char *path) noexcept nogil
cdef extern Kind *kind_at(int index) noexcept nogil
cdef extern Group *group_at(int index) noexcept nogil

# lines: JSON on standard output
cdef extern void begin_line(const char *kind) noexcept nogil
cdef extern void put_text(const char *key, const char *text) noexcept nogil
cdef extern void put_count(const char *key, uint64_t number) noexcept nogil
cdef extern bint end_line() noexcept nogil
