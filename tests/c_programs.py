"""Static programs that tests run in containers, compiled from C once and kept.

By the compiler of the reaper's build and optimised as the reaper is: zig builds its C library anew
for each way to optimise, which takes a minute.
"""

import fcntl
import hashlib
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from initshim import build

FLAGS = ("-target", f"{platform.machine()}-linux-musl", "-static", "-Os", "-w")


def compiled(source: Path, *flags: str) -> Path:
    """Give the executable of a C file, from the user's cache if it is there."""
    of = hashlib.sha256(repr((version("ziglang"), FLAGS, flags)).encode() + source.read_bytes())
    kept = build.cache_folder() / of.hexdigest() / source.stem
    kept.parent.mkdir(parents=True, exist_ok=True)
    with (kept.parent / "lock").open("w") as lock:  # who comes later finds what the first has made
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            with tempfile.TemporaryDirectory() as folder:
                made = Path(folder, source.stem)
                command = ["-m", "ziglang", "cc", *FLAGS, *flags, "-o", str(made), str(source)]
                done = subprocess.run(
                    [sys.executable, *command], capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, done.stderr
                build.put_beside(made, kept)
    return kept
