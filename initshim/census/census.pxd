from posix.types cimport pid_t
from initshim.census.shared cimport Census, First, Kind, Process

cdef public int main(int argc, char **argv) noexcept nogil

cdef struct Span:
    long seconds
    long nanoseconds

cdef int wrong(const char *what) noexcept nogil
cdef void wait(int seconds, long nanoseconds) noexcept nogil
cdef bint look_at_processes(Census *census) noexcept nogil
cdef void count(Census *census, Process *process) noexcept nogil
cdef bint stays_blocked(Census *census, int pid, First *first) noexcept nogil
cdef void tell_first(Census *census, Process *process, First *first) noexcept nogil
cdef void tell_parents(Census *census) noexcept nogil
cdef void tell_kind(Census *census, Kind *kind) noexcept nogil
cdef void tell_groups(Census *census) noexcept nogil
cdef void tell_node(Census *census, int seconds) noexcept nogil
