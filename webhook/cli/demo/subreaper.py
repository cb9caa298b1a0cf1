"""Become a program that gets the orphans below it, as PID 1 does, and that ends with the demo.

Prints its pid, as a container in a PID namespace does. Both attributes survive execve(2).
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36

libc = ctypes.CDLL(None)
libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
print(os.getpid(), flush=True)
os.dup2(2, 1)
os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606  # no shell
