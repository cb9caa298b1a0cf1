"""Writes its open descriptors and what they lead to into a file, then exits with 44."""

import pathlib
import sys

lines = []
for entry in sorted(pathlib.Path("/proc/self/fd").iterdir()):
    try:
        lines.append(f"{entry.name} {str(entry.readlink()).rstrip('0123456789[]')}\n")
    except FileNotFoundError:  # the listing's own
        continue
pathlib.Path(sys.argv[1]).write_text("".join(lines))
sys.exit(44)
