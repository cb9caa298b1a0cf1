from posix.types cimport pid_t
from libc.stdint cimport uint64_t
from initshim.census.shared cimport Census, Group, Kind, Process

cdef struct Seen:
    uint64_t started
    pid_t pid

cdef public void note_zombie(Census *census, Process *process) noexcept nogil
cdef public int group_of(Census *census, const char *path) noexcept nogil
cdef public Kind *kind_at(int index) noexcept nogil
cdef public Group *group_at(int index) noexcept nogil

# Untouched pages of these cost nothing: the kernel gives them when they are written to.
cdef Seen seen[131072]
cdef Kind kinds[8192]
cdef Group groups[16384]

cdef void remember(Census *census, Process *process) noexcept nogil
cdef bint was_seen(Census *census, Process *process) noexcept nogil
cdef Kind *kind_of(Census *census, Process *process) noexcept nogil
