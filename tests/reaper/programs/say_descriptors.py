"""Writes its open descriptors and what they lead to into a file, then exits with 44."""

import os
import sys

lines = []
for name in sorted(os.listdir("/proc/self/fd")):
    try:
        lines.append(f"{name} {os.readlink(f'/proc/self/fd/{name}').rstrip('0123456789[]')}\n")
    except FileNotFoundError:  # the listing's own
        continue
with open(sys.argv[1], "w") as said:
    said.writelines(lines)
sys.exit(44)
