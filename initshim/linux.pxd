# What the reaper asks of the kernel and of musl, where Cython does not declare it already.
from libc.stdint cimport uint64_t
from posix.types cimport pid_t
from posix.signal cimport siginfo_t

cdef extern from "<errno.h>" nogil:
    int errno

cdef extern from "<unistd.h>" nogil:
    char **environ
    long syscall(long number, ...)
    pid_t _Fork()
    pid_t getsid(pid_t pid)
    int pipe2(int *ends, int flags)

cdef extern from "<fcntl.h>" nogil:
    enum: O_CLOEXEC
    enum: O_NOFOLLOW

cdef extern from "<signal.h>" nogil:
    enum: SI_USER
    enum: SI_TKILL
    enum: SIGPIPE
    enum: SIGXFSZ
    enum: SIGCONT
    enum: SIGSTOP
    enum: SIGTTIN
    enum: SIGTTOU
    enum: SIGALRM
    enum: SIGQUIT
    enum: SIGCHLD
    enum: SIGKILL
    enum: SIGTERM
    enum: SIGINT

cdef extern from "<sys/prctl.h>" nogil:
    enum: PR_SET_NAME
    enum: PR_SET_PDEATHSIG
    enum: PR_SET_CHILD_SUBREAPER
    int prctl(int option, ...)

cdef extern from "<sys/syscall.h>" nogil:
    enum: SYS_close_range
    enum: SYS_tkill
    enum: SYS_rt_sigaction
    enum: SYS_rt_sigprocmask
    enum: SYS_rt_sigqueueinfo
    enum: SYS_rt_sigtimedwait

# Handed in by build.py: -DINITSHIM_VERSION="…".
cdef extern from *:
    const char *INITSHIM_VERSION
