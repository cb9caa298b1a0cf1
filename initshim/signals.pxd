from libc.stdint cimport uint64_t
from posix.types cimport pid_t
from posix.signal cimport siginfo_t
from initshim.shared cimport Line, Reaper

cdef public int block_signals(uint64_t *old) noexcept nogil
cdef public void restore_signals(Reaper *reaper) noexcept nogil
cdef public int default_sigchld(Reaper *reaper) noexcept nogil
cdef public int can_wait() noexcept nogil
cdef public bint next_signal(Reaper *reaper, siginfo_t *info) noexcept nogil
cdef public bint wake_in(Reaper *reaper, int milliseconds) noexcept nogil
cdef public int send_signal(pid_t to, int signum, siginfo_t *info) noexcept nogil
cdef public int signal_in(const char *text) noexcept nogil
cdef public void put_signal(Line *line, int signum) noexcept nogil

cdef int name_in(const char *text) noexcept nogil

cdef int open_signals() noexcept nogil
cdef bint read_signal(Reaper *reaper, siginfo_t *info) noexcept nogil
cdef int queue_signal(pid_t to, int signum) noexcept nogil
