from initshim.shared cimport Reaper

cdef public void linger(Reaper *reaper) noexcept nogil

cdef bint drain(Reaper *reaper, int signum, int seconds) noexcept nogil
cdef void signal_rest(Reaper *reaper, int signum) noexcept nogil
cdef void signal_children(Reaper *reaper, int signum) noexcept nogil
cdef void signal_child(Reaper *reaper, int pid, int signum) noexcept nogil
