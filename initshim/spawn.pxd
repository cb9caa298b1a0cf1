from initshim.shared cimport Line, Reaper

cdef public int spawn(Reaper *reaper) noexcept nogil

cdef void become_program(Reaper *reaper, int pipe) noexcept nogil
cdef void pass_listen_pid(Reaper *reaper, Line *line) noexcept nogil
