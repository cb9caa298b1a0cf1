from initshim.shared cimport Line, Options, Reaper

cdef public int install(Reaper *reaper) noexcept nogil

cdef bint replaceable(const char *name) noexcept nogil
cdef int copy_to(const char *name) noexcept nogil
cdef int copy_bytes(int source, int target) noexcept nogil
cdef int try_copy(Reaper *reaper) noexcept nogil
cdef void run_copy(Reaper *reaper) noexcept nogil
cdef int failed(const char *what, int error, const char *rest, Options *options) noexcept nogil
