from posix.signal cimport siginfo_t
from initshim.shared cimport Reaper

cdef public int main(int argc, char **argv) noexcept nogil

cdef int run(Reaper *reaper) noexcept nogil
cdef int not_alone(Reaper *reaper) noexcept nogil
cdef int cannot_start(Reaper *reaper, int error) noexcept nogil
cdef void prepare(Reaper *reaper) noexcept nogil
cdef void let_go(Reaper *reaper) noexcept nogil
cdef bint is_ours(Reaper *reaper, siginfo_t *info) noexcept nogil
cdef void forward(Reaper *reaper, siginfo_t *info) noexcept nogil
cdef void tell_forwarded(int signum, int to, int error) noexcept nogil
cdef int exit_code(Reaper *reaper) noexcept nogil
