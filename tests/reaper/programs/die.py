"""Dies by the signal that it is told, whatever Python had set for it."""

import os
import signal
import sys

number = int(sys.argv[1])
if number not in (32, 33, signal.SIGKILL):
    signal.signal(number, signal.SIG_DFL)
os.kill(os.getpid(), number)
sys.exit(99)
