from posix.signal cimport siginfo_t
from initshim.shared cimport Reaper

cdef public int main(int argc, char **argv) noexcept nogil
cdef public int cannot_start(Reaper *reaper, int error) noexcept nogil

cdef int run(Reaper *reaper) noexcept nogil
cdef bint attend(Reaper *reaper) noexcept nogil
cdef bint can(Reaper *reaper, const char *what, int error) noexcept nogil
cdef int not_alone(Reaper *reaper) noexcept nogil
cdef bint prepare(Reaper *reaper) noexcept nogil
cdef bint tie_to_parent(Reaper *reaper, int signum) noexcept nogil
cdef void let_go(Reaper *reaper) noexcept nogil
cdef bint is_ours(Reaper *reaper, siginfo_t *info) noexcept nogil
cdef void forward(Reaper *reaper, siginfo_t *info) noexcept nogil
cdef int deliver(Reaper *reaper, int to, int signum, siginfo_t *info) noexcept nogil
cdef void tell_forwarded(int signum, int to, int error) noexcept nogil
cdef int exit_code(Reaper *reaper) noexcept nogil
