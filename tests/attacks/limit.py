"""The chart's memory limit around a process: a cgroup, v1 or v2; without root, an rlimit."""

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

LIMIT = 256 << 20  # bytes: `resources.limits.memory` in the chart's values.yaml
_CGROUPS = Path("/sys/fs/cgroup")


@contextmanager
def limited(pid: int) -> Iterator[str]:
    """Hold a process that has just started to the limit; give how. What it had counts, too."""
    folder = _folder(pid)
    try:
        folder.mkdir()
    except OSError:
        yield _by_rlimit(pid)
        return
    limit = "memory.limit_in_bytes" if _is_v1() else "memory.max"
    try:
        (folder / "cgroup.procs").write_text(str(pid))
        # What it has taken before is charged elsewhere.
        (folder / limit).write_text(str(LIMIT - psutil.Process(pid).memory_info().rss))
        yield "cgroup v1" if _is_v1() else "cgroup v2"
    finally:
        _remove(folder)


def _by_rlimit(pid: int) -> str:
    """Leave it as much address space as it may take of memory: coarser, and it needs no root."""
    info = psutil.Process(pid).memory_info()
    most = info.vms - info.rss + LIMIT
    resource.prlimit(pid, resource.RLIMIT_AS, (most, most))
    return "RLIMIT_AS"


def _is_v1() -> bool:
    return (_CGROUPS / "memory").is_dir()


def _folder(pid: int) -> Path:
    return (_CGROUPS / "memory" if _is_v1() else _CGROUPS) / f"initshim-attack-{os.getpid()}-{pid}"


def _remove(folder: Path) -> None:
    """Wait until the last process has left: a cgroup with one can't be removed."""
    for _ in range(200):
        with suppress(OSError):
            folder.rmdir()
            return
        time.sleep(0.05)
