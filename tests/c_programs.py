"""Static programs that tests run in containers, compiled from C once and kept.

By the compiler of the reaper's build and optimised as the reaper is: zig builds its C library anew
for each way to optimise, which takes a minute.
"""

import hashlib
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from initshim.cache import cache_folder, made_once, put_beside

FLAGS = ("-target", f"{platform.machine()}-linux-musl", "-static", "-Os", "-w")


def compiled(source: Path, *flags: str) -> Path:
    """Give the executable of a C file, from the user's cache if it is there."""
    of = hashlib.sha256(repr((version("ziglang"), FLAGS, flags)).encode() + source.read_bytes())
    kept = cache_folder() / of.hexdigest() / source.stem
    with made_once(kept) as missing:
        if missing:
            with tempfile.TemporaryDirectory() as folder:
                made = Path(folder, source.stem)
                command = ["-m", "ziglang", "cc", *FLAGS, *flags, "-o", str(made), str(source)]
                done = subprocess.run(
                    [sys.executable, *command], capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, done.stderr
                put_beside(made, kept)
    return kept
