"""A memory limit as the kubelet sets it: a cgroup, of either version."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_ROOM = 1 << 20  # bytes that it may still take


@contextmanager
def killed_at_limit(pid: int) -> Iterator[None]:
    """Move a process into a cgroup whose limit is a little above what it uses."""
    old = (_ROOT / "memory").is_dir()
    folder = (_ROOT / "memory" if old else _ROOT) / f"initshim-{pid}"
    limit = folder / ("memory.limit_in_bytes" if old else "memory.max")
    folder.mkdir()
    try:
        (folder / "cgroup.procs").write_text(str(pid))
        # What it has is charged elsewhere: the limit is for what it takes from now on.
        limit.write_text(str(_ROOM))
        yield
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Wait until the last process has left: a cgroup with one can't be removed."""
    for _ in range(100):
        try:
            folder.rmdir()
        except OSError:
            time.sleep(0.1)
        else:
            return
