"""Leaks COUNT orphans in batches: each mother dies before its children are reaped."""

import os
import signal
import sys

count, batch = int(sys.argv[1]), int(sys.argv[2])
print("working", flush=True)
for _ in range(count // batch):
    mother = os.fork()
    if not mother:
        for _ in range(batch):
            if not os.fork():
                os._exit(0)
        os._exit(0)
    os.waitpid(mother, 0)
print("done", flush=True)
signal.pause()
