"""Says `ready PID`, then tells each signal that it gets: number, si_code, value.

With `--until LAST` it gathers them until the signal LAST comes and says the counts instead. Raw
system calls, because glibc hides 32 and 33 from its callers and Python hides the value.
"""

import ctypes
import os
import platform
import sys

PROCMASK, TIMEDWAIT = {"x86_64": (14, 128)}.get(platform.machine(), (135, 137))
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(1, 9)  # PR_SET_PDEATHSIG, KILL: nothing is left of a test that fails
everything = ctypes.c_uint64(2**64 - 1)
libc.syscall(PROCMASK, 0, ctypes.byref(everything), None, 8)
last = int(sys.argv[2]) if sys.argv[1:2] == ["--until"] else 0
print("ready", os.getpid(), flush=True)
counts: dict[int, int] = {}
info = (ctypes.c_int * 32)()
while True:
    number = libc.syscall(TIMEDWAIT, ctypes.byref(everything), ctypes.byref(info), None, 8)
    if number < 0:
        continue
    if not last:
        print(number, info[2], info[6], flush=True)
        continue
    counts[number] = counts.get(number, 0) + 1
    if number == last:
        print(*(f"{n}:{c}" for n, c in sorted(counts.items())), flush=True)
        sys.exit(0)
