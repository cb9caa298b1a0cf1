from posix.types cimport pid_t
from posix.signal cimport siginfo_t
from initshim.shared cimport Reaper, User

cdef public bint user_of(pid_t pid, User *user) noexcept nogil
cdef public int send_as_its_user(pid_t whose, pid_t to, int signum, siginfo_t *info) noexcept nogil
cdef public void start_following(Reaper *reaper) noexcept nogil
cdef public void follow(Reaper *reaper) noexcept nogil

cdef bint ids_in(const char *text, const char *name, unsigned int *ids) noexcept nogil
cdef void look_again(Reaper *reaper) noexcept nogil
cdef void become_like_it(Reaper *reaper) noexcept nogil
cdef int become(User *user) noexcept nogil
cdef void tell_followed(User *user) noexcept nogil
