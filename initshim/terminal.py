"""Terminal: who is in its foreground, and stopping and continuing with the child.

The child leads a group of its own, so it must be the foreground group to read the terminal and to
get its Ctrl-C. Nothing here is fatal and the terminal is never detached: without one, every call
fails and all goes on. SIGTTOU is blocked, so that setting it works from the background.
"""

import cython
from cython.cimports.initshim.linux import (
    SIGCONT,
    SIGSTOP,
    SIGTTIN,
    SIGTTOU,
    errno,
    foreground,
    getsid,
    kill,
    set_foreground,
)
from cython.cimports.libc.errno import ENOSYS, EPERM
from cython.cimports.posix.unistd import getpgrp


def look_at_terminal(reaper):
    """See whether stdin is our controlling terminal and whether it is ours to hand over.

    Started in the background (`initshim … &`) it isn't: the shell needs it.
    """
    group: cython.int = foreground()
    reaper.terminal = group >= 0
    # A sandbox denies the question: in a group of its own the program might be in the background.
    reaper.ungrouped = group < 0 and errno in (EPERM, ENOSYS)
    if reaper.terminal:
        reaper.handed = group == getpgrp()
        # A session's leader has no shell above it that could continue it.
        reaper.job = reaper.pid != 1 and getsid(0) != reaper.pid


def pause_with_child(reaper, signum):
    """Stop as the child was stopped, so that the shell around us sees the job stop (Ctrl-Z).

    As PID 1 nobody does job control on us, and a stopped child simply waits for its SIGCONT.
    """
    if not reaper.job:
        return
    if signum in (SIGTTIN, SIGTTOU) and foreground() == getpgrp():
        # A shell's `fg` has just given us the terminal: the child only has to go on.
        resume_child(reaper)
        return
    reaper.paused = True
    # The terminal stops a whole job; the rest of ours (a pipeline, a script around us) is in our
    # group, not in the child's.
    if signum != SIGSTOP:
        kill(0, signum)
    kill(reaper.pid, SIGSTOP)


def resume_child(reaper):
    """Continue the child; in the foreground, if the shell put us there (`fg`, not `bg`)."""
    reaper.paused = False
    if foreground() == getpgrp():
        reaper.handed = True
        set_foreground(reaper.child)
    kill(-reaper.child, SIGCONT)


def take_terminal_back(reaper):
    """Take the terminal back, if the child's group has it: a script around us reads on."""
    if reaper.handed and reaper.pid != 1 and foreground() == reaper.child:
        set_foreground(getpgrp())
