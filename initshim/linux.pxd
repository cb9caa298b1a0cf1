# What the reaper asks of the kernel and of musl, where Cython does not declare it already.
from libc.stdint cimport uint64_t
from posix.types cimport pid_t
from posix.signal cimport siginfo_t

cdef extern from "<errno.h>" nogil:
    int errno

cdef extern from "<unistd.h>" nogil:
    char **environ
    long syscall(long number, ...)

cdef extern from "<fcntl.h>" nogil:
    enum: AT_FDCWD
    enum: AT_SYMLINK_NOFOLLOW
    enum: O_CLOEXEC
    enum: O_DIRECTORY
    enum: O_NOFOLLOW

cdef extern from "<signal.h>" nogil:
    enum: SI_USER
    enum: SI_QUEUE
    enum: SI_TIMER
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

    struct sigevent:
        int sigev_signo

cdef extern from "<sys/signalfd.h>" nogil:
    struct signalfd_siginfo:
        unsigned int ssi_signo
        int ssi_code
        unsigned int ssi_pid
        unsigned int ssi_uid
        uint64_t ssi_ptr

cdef extern from "<sys/wait.h>" nogil:
    enum: P_ALL
    enum: P_PID
    enum: WEXITED
    enum: CLD_EXITED
    enum: CLD_STOPPED

cdef extern from "<time.h>" nogil:
    enum: CLOCK_MONOTONIC

cdef extern from "<sys/prctl.h>" nogil:
    enum: PR_SET_DUMPABLE
    enum: PR_SET_NAME
    enum: PR_SET_PDEATHSIG
    enum: PR_SET_CHILD_SUBREAPER

cdef extern from "<sys/syscall.h>" nogil:
    enum: SYS_chdir
    enum: SYS_close
    enum: SYS_close_range
    enum: SYS_execve
    enum: SYS_exit
    enum: SYS_exit_group
    enum: SYS_fchmod
    enum: SYS_fsync
    enum: SYS_getdents64
    enum: SYS_getsid
    enum: SYS_ioctl
    enum: SYS_kill
    enum: SYS_lseek
    enum: SYS_openat
    enum: SYS_pipe2
    enum: SYS_ppoll
    enum: SYS_prctl
    enum: SYS_read
    enum: SYS_readlinkat
    enum: SYS_setitimer
    enum: SYS_setpgid
    enum: SYS_signalfd4
    enum: SYS_statx
    enum: SYS_tkill
    enum: SYS_rt_sigaction
    enum: SYS_rt_sigprocmask
    enum: SYS_rt_sigqueueinfo
    enum: SYS_rt_sigtimedwait
    enum: SYS_timer_create
    enum: SYS_times
    enum: SYS_unlinkat
    enum: SYS_wait4
    enum: SYS_waitid
    enum: SYS_write

cdef extern from *:
    # musl's fork keeps locks and thread ids right, which we have none of: 1 kB and five system calls. glibc's fork is the kernel's
    # clone, so that is what a sandbox allows; some machines have no other. (On s390x its arguments come in another order.)
    """
    #include <signal.h>
    #include <unistd.h>
    #include <sys/syscall.h>
    #ifdef __s390x__
    #define clone_process() syscall(SYS_clone, 0, SIGCHLD, 0, 0, 0)
    #else
    #define clone_process() syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)
    #endif
    #ifdef SYS_fork
    #define fork_process() syscall(SYS_fork)
    #else
    #define fork_process() (-1)
    #endif
    """
    pid_t clone_process() nogil
    pid_t fork_process() nogil

cdef inline pid_t new_process() noexcept nogil:
    cdef pid_t pid = clone_process()
    return fork_process() if pid < 0 else pid

cdef extern from *:
    # 32-bit machines have calls of these names that take ids of 16 bits.
    """
    #ifdef SYS_setresuid32
    #define SET_USER SYS_setresuid32
    #define SET_GROUP SYS_setresgid32
    #define SET_GROUPS SYS_setgroups32
    #else
    #define SET_USER SYS_setresuid
    #define SET_GROUP SYS_setresgid
    #define SET_GROUPS SYS_setgroups
    #endif
    """
    enum: SET_USER
    enum: SET_GROUP
    enum: SET_GROUPS

cdef extern from *:
    void trap "__builtin_trap" () nogil

cdef inline void leave(int code) noexcept nogil:
    """End this process; musl's _exit would spin where a sandbox denies both calls."""
    syscall(SYS_exit_group, code)
    syscall(SYS_exit, code)
    trap()

cdef extern from *:
    # With the word of the machine for seconds, as a `long` is; musl names it so on 32-bit machines.
    """
    #ifndef SYS_timer_settime
    #define SYS_timer_settime SYS_timer_settime32
    #endif
    """
    enum: SYS_timer_settime

cdef extern from "<sys/ioctl.h>" nogil:
    enum: TIOCGPGRP
    enum: TIOCSPGRP

# musl's own of these carry variable arguments, cancellation points and old kernels with them: 1.2 kB.

cdef inline int open_file(const char *name, int flags) noexcept nogil:
    return syscall(SYS_openat, AT_FDCWD, name, flags, 0o600)

cdef inline int change_mode(int file, int mode) noexcept nogil:
    return syscall(SYS_fchmod, file, mode)

cdef inline int open_pipe(int *ends) noexcept nogil:
    return syscall(SYS_pipe2, ends, O_CLOEXEC)

cdef inline int prctl(int option, unsigned long value) noexcept nogil:
    return syscall(SYS_prctl, option, value, 0, 0, 0)

cdef inline pid_t foreground() noexcept nogil:
    """The foreground group of the terminal that is stdin, if it is our controlling terminal; -1 if not."""
    cdef int group = -1
    return -1 if syscall(SYS_ioctl, 0, TIOCGPGRP, &group) != 0 else group

cdef inline void set_foreground(pid_t group) noexcept nogil:
    """Make a group the foreground group of the terminal that is stdin."""
    cdef int number = group
    syscall(SYS_ioctl, 0, TIOCSPGRP, &number)

# musl's own of these are cancellation points, or a function each where one call does.

cdef inline Py_ssize_t read(int file, void *into, size_t size) noexcept nogil:
    return syscall(SYS_read, file, into, size)

cdef inline Py_ssize_t write(int file, const void *text, size_t size) noexcept nogil:
    return syscall(SYS_write, file, text, size)

cdef inline int close(int file) noexcept nogil:
    return syscall(SYS_close, file)

cdef inline int fsync(int file) noexcept nogil:
    return syscall(SYS_fsync, file)

cdef inline int unlink(const char *name) noexcept nogil:
    return syscall(SYS_unlinkat, AT_FDCWD, name, 0)

cdef inline int chdir(const char *folder) noexcept nogil:
    return syscall(SYS_chdir, folder)

cdef inline int execve(const char *name, char **argv, char **variables) noexcept nogil:
    return syscall(SYS_execve, name, argv, variables)

cdef inline int kill(pid_t to, int signum) noexcept nogil:
    return syscall(SYS_kill, to, signum)

cdef inline int setpgid(pid_t pid, pid_t group) noexcept nogil:
    return syscall(SYS_setpgid, pid, group)

cdef inline pid_t getsid(pid_t pid) noexcept nogil:
    return syscall(SYS_getsid, pid)

cdef inline pid_t wait4(pid_t pid, int *status, int how) noexcept nogil:
    return syscall(SYS_wait4, pid, status, how, NULL)

cdef inline int set_alarm(int seconds) noexcept nogil:
    """Have SIGALRM come in so many seconds."""
    cdef long[4] times
    times[0], times[1], times[2], times[3] = 0, 0, seconds, 0
    return syscall(SYS_setitimer, 0, times, NULL)

cdef inline Py_ssize_t read_link(const char *name, char *into, size_t size) noexcept nogil:
    return syscall(SYS_readlinkat, AT_FDCWD, name, into, size)

cdef extern from *:
    """
    #define set_environ(variables) (environ = (variables))
    """
    void set_environ(char **variables) nogil

# Handed in by build.py: -DINITSHIM_VERSION="…".
cdef extern from *:
    const char *INITSHIM_VERSION
