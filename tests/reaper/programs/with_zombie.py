"""Has a child that is dead and not waited for, then becomes its arguments."""

import os
import sys

child = os.fork()
if not child:
    os._exit(3)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606
