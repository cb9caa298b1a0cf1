from initshim.shared cimport Reaper

cdef public void look_at_terminal(Reaper *reaper) noexcept nogil
cdef public void pause_with_child(Reaper *reaper, int signum) noexcept nogil
cdef public void resume_child(Reaper *reaper) noexcept nogil
cdef public void take_terminal_back(Reaper *reaper) noexcept nogil
