# What the reaper's modules share: the state, and the functions that one calls in another.
#
# Each module is compiled by Cython into one C file; the linker joins them. So a shared function is declared twice: `cdef public` in
# its own module's .pxd, and `cdef extern` here for its callers. (A plain cimport would look the function up through Python's import
# system, and there is no Python at run time.) tests/unit/initshim compares the two.
from libc.stdint cimport uint64_t
from posix.types cimport pid_t
from posix.signal cimport siginfo_t

cdef struct Options:
    # By the option's letter (grammar.pxd has their names):
    unsigned char given[128]        # how often an option without a value was given
    int number[128]                 # a signal or seconds; 0: none
    const char *text[128]           # a file; NULL: none
    unsigned char rewrite[65]       # -r: for each signal the one to send instead; 0 drops it
    unsigned char expected[256]     # -e: exit codes that count as 0
    char **program                  # the program's argv, NULL at the end

cdef struct Reaper:
    Options options
    uint64_t mask                   # the blocked signals that we were started with
    long sigchld[5]                 # SIGCHLD's disposition that we were started with
    int unblocked                   # why signals could not be blocked; 0: they are
    pid_t pid                       # our own
    pid_t child                     # the main child, leader of its own group
    bint terminal                   # stdin is our controlling terminal
    bint handed                     # and we made the child's group its foreground group
    bint ungrouped                  # the program stays in our process group
    bint job                        # and a shell around us does job control
    bint paused                     # we stopped ourselves because the child was stopped
    bint gone                       # the main child was reaped,
    int status                      # with this wait status
    unsigned int orphans            # how many others we reaped,
    unsigned int shown              # how many of them our name says,
    bint waking                     # and that we are to be woken to show the rest
    bint timed                      # by a timer that was made,
    int timer                       # this one
    int signals                     # where signals are read from where they can't be waited for; 0: nowhere
    bint following                  # we are root, and follow the program when it gives that up
    int looks                       # how often we have looked whether it has
    long looked                     # and when it last was: hundredths of a second
    bint refused                    # we have said that a signal could not be forwarded

cdef struct User:
    unsigned int uid
    unsigned int gid
    bint settled                    # real, effective, saved and file system's are one, and not root

cdef struct Line:
    int size
    char text[512]

# say: lines of text
cdef extern void begin(Line *line) noexcept nogil
cdef extern void put(Line *line, const char *text) noexcept nogil
cdef extern void put_name(Line *line, const char *name) noexcept nogil
cdef extern void put_number(Line *line, unsigned int number) noexcept nogil
cdef extern void put_error(Line *line, int error) noexcept nogil
cdef extern void print_line(Line *line) noexcept nogil
cdef extern void report(Line *line, Options *options) noexcept nogil

# text: letters and numbers in strings
cdef extern const char *find(const char *text, char letter) noexcept nogil
cdef extern int number_in(const char *text, int most) noexcept nogil

# signals: sets, waiting, names
cdef extern int block_signals(uint64_t *old) noexcept nogil
cdef extern void restore_signals(Reaper *reaper) noexcept nogil
cdef extern int default_sigchld(Reaper *reaper) noexcept nogil
cdef extern int can_wait() noexcept nogil
cdef extern bint next_signal(Reaper *reaper, siginfo_t *info) noexcept nogil
cdef extern bint wake_in(Reaper *reaper, int milliseconds) noexcept nogil
cdef extern int send_signal(pid_t to, int signum, siginfo_t *info) noexcept nogil
cdef extern int signal_in(const char *text) noexcept nogil
cdef extern void put_signal(Line *line, int signum) noexcept nogil

# reaper: why the program does not run
cdef extern int cannot_start(Reaper *reaper, int error) noexcept nogil

# options, install
cdef extern bint parse_options(char **argv, Options *options) noexcept nogil
cdef extern int install(Reaper *reaper) noexcept nogil

# search, spawn, terminal
cdef extern int exec_program(char **argv) noexcept nogil
cdef extern char **variable(const char *name) noexcept nogil
cdef extern int spawn(Reaper *reaper) noexcept nogil
cdef extern void look_at_terminal(Reaper *reaper) noexcept nogil
cdef extern void pause_with_child(Reaper *reaper, int signum) noexcept nogil
cdef extern void resume_child(Reaper *reaper) noexcept nogil
cdef extern void take_terminal_back(Reaper *reaper) noexcept nogil

# users: the program's user, and acting as it
cdef extern bint user_of(pid_t pid, User *user) noexcept nogil
cdef extern int send_as_its_user(pid_t whose, pid_t to, int signum, siginfo_t *info) noexcept nogil
cdef extern void start_following(Reaper *reaper) noexcept nogil
cdef extern void follow(Reaper *reaper) noexcept nogil

# reap, linger
cdef extern pid_t wait_for(pid_t pid, int *status, int how) noexcept nogil
cdef extern int reap_the_inherited(Reaper *reaper) noexcept nogil
cdef extern void show_count(Reaper *reaper) noexcept nogil
cdef extern bint reap(Reaper *reaper) noexcept nogil
cdef extern void linger(Reaper *reaper) noexcept nogil
