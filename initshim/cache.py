"""What was built once, kept in the user's cache under a hash of all that it is made of."""

import fcntl
import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from initshim import __version__

_HERE = Path(__file__).parent


def cache_folder() -> Path:
    """Where executables are kept: $XDG_CACHE_HOME/initshim/built, by default under ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "initshim", "built")


def fingerprint(*parts: str) -> str:
    """A hash of what was made: these parts, and sources, tools, headers and version."""
    of = hashlib.sha256()
    tools = [f"{name} {version(name)}" for name in ("cython", "ziglang")]
    for text in (*tools, sys.version, __version__, *parts):
        of.update(text.encode() + b"\0")
    for source in sorted([*_HERE.rglob("*.py"), *_HERE.rglob("*.pxd"), _HERE / "reaper.ld"]):
        of.update(str(source.relative_to(_HERE)).encode() + b"\0" + source.read_bytes() + b"\0")
    return of.hexdigest()


@contextmanager
def made_once(kept: Path) -> Iterator[bool]:
    """Tell whether this is still to be made; who else wants it waits until the block has ended."""
    if kept.exists():
        yield False
        return
    kept.parent.mkdir(parents=True, exist_ok=True)
    with (kept.parent / f".{kept.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not kept.exists()


def put_beside(source: Path, binary: Path) -> Path:
    """Copy an executable to its place: beside it and renamed, for the old one may be running."""
    binary.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=binary.parent, delete=False) as beside:
        beside.write(source.read_bytes())
    Path(beside.name).chmod(0o755)
    return Path(beside.name).replace(binary)
