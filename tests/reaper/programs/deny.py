"""Denies system calls as a seccomp profile does, then becomes the rest of its arguments.

deny.py NUMBER,NUMBER… ACTION PROGRAM…: ACTION is an errno, or `kill`.
"""

import ctypes
import os
import struct
import sys

ALLOW, ERRNO, KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
NO_NEW_PRIVS, SECCOMP, FILTER = 38, 22, 2

numbers = [int(each) for each in sys.argv[1].split(",")]
deny = KILL_PROCESS if sys.argv[2] == "kill" else ERRNO | int(sys.argv[2])
program = [(LOAD, 0, 0, 0)]
for number in numbers:
    program += [(JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, deny)]
program.append((RETURN, 0, 0, ALLOW))
code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *each) for each in program))
sock_fprog = ctypes.create_string_buffer(
    struct.pack("HxxxxxxP", len(program), ctypes.addressof(code))
)
argv = [os.fsencode(word) for word in sys.argv[3:]]
words = (ctypes.c_char_p * (len(argv) + 1))(*argv, None)
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0)
if libc.prctl(SECCOMP, FILTER, sock_fprog) != 0:
    raise OSError(ctypes.get_errno(), "seccomp")
libc.execv(argv[0], words)  # nothing of Python's own in between: it might call what is denied
libc._exit(98)
