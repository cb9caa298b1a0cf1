from libc.stdint cimport uint64_t
from posix.types cimport pid_t
from posix.signal cimport siginfo_t
from initshim.shared cimport Line, Reaper

cdef public void block_signals(uint64_t *old) noexcept nogil
cdef public void restore_signals(Reaper *reaper) noexcept nogil
cdef public void default_sigchld(Reaper *reaper) noexcept nogil
cdef public void next_signal(Reaper *reaper, siginfo_t *info) noexcept nogil
cdef public bint wake_soon(Reaper *reaper) noexcept nogil
cdef public int send_signal(pid_t to, int signum, siginfo_t *info) noexcept nogil
cdef public int signal_in(const char *text) noexcept nogil
cdef public void put_signal(Line *line, int signum) noexcept nogil

cdef int name_in(const char *text) noexcept nogil
