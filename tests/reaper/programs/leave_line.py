"""Leaves a line of sessions, each the mother of the next, none of which heeds TERM; exits with 7.

leave_line.py DEPTH FOLDER: it leaves when there is a file `go` in the folder.
"""

import os
import pathlib
import signal
import sys
import time

signal.signal(signal.SIGTERM, signal.SIG_IGN)
depth, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
mother = os.getpid()
ready, told = os.pipe()
for _ in range(depth):
    if os.fork():
        break
    os.setsid()
if os.getpid() == mother:
    os.read(ready, 1)
    print("line", flush=True)
    while not (folder / "go").exists():
        time.sleep(0.01)
    os._exit(7)
null = os.open(os.devnull, os.O_RDWR)
for descriptor in (0, 1, 2):
    os.dup2(null, descriptor)
os.write(told, b".")
while True:
    signal.pause()
