"""Users: whom the program runs as; sending as that user, and becoming it.

The kernel lets a process signal another if one of its ids is the other's, or if it has CAP_KILL.
Entry scripts start as root and drop to another user, often in containers that have SETUID and
SETGID and not KILL.
"""

import cython
from cython.cimports.initshim.grammar import (
    ALL,
    KEEP_USER,
    KILL_GROUP,
    LINGER,
    PARENT_DEATH,
    VERBOSE,
)
from cython.cimports.initshim.linux import (
    O_CLOEXEC,
    PR_SET_DUMPABLE,
    PR_SET_PDEATHSIG,
    SET_GROUP,
    SET_GROUPS,
    SET_USER,
    SYS_times,
    close,
    errno,
    leave,
    new_process,
    open_file,
    prctl,
    read,
    read_link,
    syscall,
)
from cython.cimports.initshim.shared import (
    Line,
    User,
    begin,
    find,
    number_in,
    print_line,
    put,
    put_number,
    send_signal,
    wait_for,
    wake_in,
)
from cython.cimports.libc.errno import EPERM
from cython.cimports.libc.string import strncmp
from cython.cimports.posix.fcntl import O_RDONLY
from cython.cimports.posix.unistd import getpid, getuid
from cython.cimports.posix.wait import WEXITSTATUS, WIFEXITED


def user_of(pid, user):
    """Whom a process runs as; false where /proc does not tell, or is another PID namespace's."""
    uids = cython.declare(cython.uint[4])
    gids = cython.declare(cython.uint[4])
    # The name, then the first lines of the file: a second buffer would cost a page of stack.
    line = cython.declare(Line)
    size: cython.Py_ssize_t = read_link(b"/proc/self", line.text, 16)
    if size <= 0:
        return False
    line.text[size] = 0
    if number_in(line.text, 4194304) != getpid():
        return False
    line.size = 0
    put(cython.address(line), b"/proc/")
    put_number(cython.address(line), pid)
    put(cython.address(line), b"/status")
    file: cython.int = open_file(line.text, O_RDONLY | O_CLOEXEC)
    size = read(file, line.text, 500)
    close(file)
    if size <= 0:
        return False
    line.text[size] = 0
    if not ids_in(line.text, b"Uid:\t", uids) or not ids_in(line.text, b"Gid:\t", gids):
        return False
    user.uid = uids[0]
    user.gid = gids[0]
    user.settled = uids[0] != 0 and uids[0] == uids[1] == uids[2] == uids[3]
    return True


def ids_in(text, name, ids):
    """The four ids in a line of /proc/PID/status, after its name of five letters."""
    while strncmp(text, name, 5) != 0:
        text = find(text, ord("\n"))
        if text == cython.NULL:
            return False
        text += 1
    text += 5
    at = cython.declare(cython.int)
    for at in range(4):
        ids[at] = 0
        while text[0] >= ord("0") and text[0] <= ord("9"):
            ids[at] = ids[at] * 10 + text[0] - ord("0")
            text += 1
        if text[0] != 0:
            text += 1
    return True


def become(user):
    """Become the user, all ids and for good; 0 or the errno of that. Groups as far as we may."""
    syscall(SET_GROUPS, 0, cython.NULL)
    syscall(SET_GROUP, user.gid, user.gid, user.gid)
    if syscall(SET_USER, user.uid, user.uid, user.uid) != 0:
        return errno
    return 0


def send_as_its_user(whose, to, signum, info):
    """Send a signal by a short-lived child that is the user of the process `whose`; 0 or the errno.

    A child, because a change of user can't be taken back: that needs rights that the change drops.
    """
    user = cython.declare(User)
    status: cython.int = 0
    if not user_of(whose, cython.address(user)):
        return EPERM
    child: cython.int = new_process()
    if child == 0:
        if become(cython.address(user)) != 0:
            leave(EPERM)
        leave(send_signal(to, signum, info))
    if child < 0 or wait_for(child, cython.address(status), 0) < 0 or not WIFEXITED(status):
        return EPERM
    return WEXITSTATUS(status)


def start_following(reaper):
    """Follow the program when it gives up root, unless an option needs our rights.

    -a, -g and -l are about other processes than the program, and those may stay root's.
    """
    reaper.following = (
        reaper.pid == 1
        and getuid() == 0
        and not reaper.options.given[KEEP_USER]
        and not reaper.options.given[ALL]
        and not reaper.options.given[KILL_GROUP]
        and reaper.options.number[LINGER] == 0
    )
    if reaper.following:
        look_again(reaper)


def look_again(reaper):
    """Have ourselves woken to look once more, each time after twice as long: ten times in 2 s.

    Nothing tells us when a program gives up root, but entry scripts do it soon.
    """
    if reaper.looks < 10 and not reaper.waking:
        reaper.looks += 1
        wake_in(reaper, 1 << reaper.looks)


def become_like_it(reaper):
    """Become the program's user if it has given up root for good; if not, look again."""
    user = cython.declare(User)
    if not user_of(reaper.child, cython.address(user)) or not user.settled:
        look_again(reaper)
        return
    reaper.following = False
    if become(cython.address(user)) != 0:
        return
    # The kernel hides /proc/1/fd from its own user after a change, and forgets the parent's death.
    prctl(PR_SET_DUMPABLE, 1)
    if reaper.options.number[PARENT_DEATH] != 0:
        prctl(PR_SET_PDEATHSIG, reaper.options.number[PARENT_DEATH])
    if reaper.options.given[VERBOSE]:
        tell_followed(cython.address(user))


def follow(reaper):
    """Follow the program, now that we are awake; after the first ten looks not twice in a second.

    A look costs four times as much as to forward a signal, and bursts of orphans can be fifty a
    second. What comes too soon is made up for a second later. times(2) gives the kernel's clock in
    hundredths of a second; where a sandbox denies it, each time is a look.
    """
    if not reaper.following:
        return
    now: cython.long = syscall(SYS_times, cython.NULL)
    if reaper.looks < 10 or now - reaper.looked >= 100 or now == -1:
        reaper.looked = now
        become_like_it(reaper)
    elif not reaper.waking:
        wake_in(reaper, 1000)


def tell_followed(user):
    """Tell that we are the program's user now (-v)."""
    line = cython.declare(Line)
    begin(cython.address(line))
    put(cython.address(line), b"gave up root, as the program did, for uid ")
    put_number(cython.address(line), user.uid)
    print_line(cython.address(line))
