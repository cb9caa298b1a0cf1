"""Makes every signal pending for itself, then becomes the rest of its arguments."""

import ctypes
import os
import platform
import sys

PROCMASK = {"x86_64": 14}.get(platform.machine(), 135)
libc = ctypes.CDLL(None)
everything = ctypes.c_uint64(2**64 - 1)
libc.syscall(PROCMASK, 0, ctypes.byref(everything), None, 8)
for number in range(1, 65):
    # Python ignores PIPE (13) and XFSZ (25) as it starts, which throws pending ones away.
    if number not in (9, 13, 19, 20, 21, 22, 25):
        libc.sigqueue(os.getpid(), number, ctypes.c_void_p(77))
os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606
