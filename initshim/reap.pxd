from posix.types cimport pid_t
from initshim.shared cimport Reaper

cdef public pid_t wait_for(pid_t pid, int *status, int how) noexcept nogil
cdef public int reap_the_inherited(Reaper *reaper) noexcept nogil
cdef public bint reap(Reaper *reaper) noexcept nogil
cdef public void show_count(Reaper *reaper) noexcept nogil

cdef bint note_status(Reaper *reaper, pid_t pid, int status) noexcept nogil
cdef void tell_reaped(pid_t pid, int status) noexcept nogil
