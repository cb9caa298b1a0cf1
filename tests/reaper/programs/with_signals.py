"""Blocks and ignores the signals of two comma lists (or `-`), then becomes the rest."""

import ctypes
import os
import platform
import sys

PROCMASK, ACTION = {"x86_64": (14, 13)}.get(platform.machine(), (135, 134))
libc = ctypes.CDLL(None)
blocked, ignored = ([int(n) for n in word.split(",") if n != "-"] for word in sys.argv[1:3])
for number in range(1, 65):  # Python ignores SIGPIPE and SIGXFSZ
    action = (ctypes.c_uint64 * 4)(1 if number in ignored else 0)
    libc.syscall(ACTION, number, ctypes.byref(action), None, 8)
bits = ctypes.c_uint64(sum(1 << (n - 1) for n in blocked))
libc.syscall(PROCMASK, 2, ctypes.byref(bits), None, 8)
os.execvp(sys.argv[3], sys.argv[3:])  # noqa: S606
