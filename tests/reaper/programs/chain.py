"""A chain of DEPTH processes: each starts the next and dies, so that all become orphans in turn."""

import os
import signal
import sys


def link(depth: int, tell: int) -> None:
    if depth and not os.fork():
        link(depth - 1, tell)
    os._exit(0)


end, tell = os.pipe()
first = os.fork()
if not first:
    os.close(end)
    link(int(sys.argv[1]), tell)
os.close(tell)
os.waitpid(first, 0)
os.read(end, 1)
print("done", flush=True)
signal.pause()
