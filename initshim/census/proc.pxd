from posix.types cimport pid_t
from libc.stdint cimport uint64_t
from initshim.census.shared cimport Census, First, Process, Text

cdef public bint open_folder(Census *census) noexcept nogil
cdef public pid_t next_pid(Census *census) noexcept nogil
cdef public bint read_file(Census *census, pid_t pid, const char *name, Text *text) noexcept nogil
cdef public bint read_process(Census *census, pid_t pid, Process *process) noexcept nogil
cdef public void read_first(Census *census, pid_t pid, First *first) noexcept nogil
cdef public bint read_cgroup(Census *census, pid_t pid, Text *text) noexcept nogil

cdef char entries[8192]
cdef int filled
cdef int position

cdef char *end_of_name(Text *text) noexcept nogil
cdef const char *field(const char *text, int number) noexcept nogil
cdef public uint64_t number_at(const char *text) noexcept nogil
cdef const char *line_of(Text *text, const char *key) noexcept nogil
cdef uint64_t hexadecimal_at(const char *text) noexcept nogil
cdef bint is_outer_1(const char *numbers) noexcept nogil
cdef char *append(char *end, const char *text, char *limit) noexcept nogil
