"""Sends each signal to its parent, the reaper, and says which came back."""

import ctypes
import os
import platform

PROCMASK, TIMEDWAIT = {"x86_64": (14, 128)}.get(platform.machine(), (135, 137))
libc = ctypes.CDLL(None)
everything = ctypes.c_uint64(2**64 - 1)
libc.syscall(PROCMASK, 0, ctypes.byref(everything), None, 8)
for number in range(1, 65):
    if number in (9, 19):
        continue
    os.kill(os.getppid(), number)
    print(libc.syscall(TIMEDWAIT, ctypes.byref(everything), None, None, 8), flush=True)
