"""Leaves two behind, one in its group and one in a session of its own, and exits with a code.

leave_stray.py heeds|ignores|stops FOLDER CODE: what they do with TERM;
who heeds it takes its time and leaves a file.
"""

import os
import pathlib
import signal
import sys
import time

how, folder, code = sys.argv[1], sys.argv[2], int(sys.argv[3])
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
ready, told = os.pipe()


def stray(name: str) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    if name == "daemon":
        os.setsid()
    if how == "stops":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    os.write(told, b".")
    if how == "stops":
        os.kill(os.getpid(), signal.SIGSTOP)
    if how == "heeds":
        signal.sigwait({signal.SIGTERM})
        time.sleep(0.1)
        (pathlib.Path(folder) / name).touch()
        os._exit(0)
    while True:
        signal.pause()


for name in ("group", "daemon"):
    if not os.fork():
        stray(name)
for _ in range(2):
    os.read(ready, 1)
print("strays", flush=True)
time.sleep(0.2)
print("leaving", flush=True)
sys.exit(code)
