"""The chart's memory limit around a process: a cgroup, v1 or v2; without root, an rlimit."""

import os
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

LIMIT = 256 << 20  # bytes: `resources.limits.memory` in the chart's values.yaml
_IS_V1 = Path("/sys/fs/cgroup/memory").is_dir()
CGROUPS = Path("/sys/fs/cgroup/memory" if _IS_V1 else "/sys/fs/cgroup")
_NAME = "initshim-attack-"


@contextmanager
def limited(pid: int) -> Iterator[str]:
    """Hold a process that has just started to the limit; give how. What it had counts, too."""
    _sweep()
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"{_NAME}{os.getpid()}-", dir=CGROUPS))
    except OSError:
        yield _by_rlimit(pid)
        return
    limit = "memory.limit_in_bytes" if _IS_V1 else "memory.max"
    try:
        (folder / "cgroup.procs").write_text(str(pid))
        # What it has taken before is charged elsewhere.
        (folder / limit).write_text(str(LIMIT - psutil.Process(pid).memory_info().rss))
        yield "cgroup v1" if _IS_V1 else "cgroup v2"
    finally:
        _remove(folder)


def _by_rlimit(pid: int) -> str:
    """Leave it as much address space as it may take of memory: coarser, and it needs no root."""
    info = psutil.Process(pid).memory_info()
    most = info.vms - info.rss + LIMIT
    resource.prlimit(pid, resource.RLIMIT_AS, (most, most))
    return "RLIMIT_AS"


def _sweep() -> None:
    """Remove what runs have left that were killed."""
    for folder in CGROUPS.glob(f"{_NAME}*"):
        if not psutil.pid_exists(int(folder.name.removeprefix(_NAME).split("-")[0])):
            with suppress(OSError):
                folder.rmdir()


def _remove(folder: Path) -> None:
    """Wait until the last process has left: a cgroup with one can't be removed."""
    for _ in range(200):
        with suppress(OSError):
            folder.rmdir()
            return
        time.sleep(0.05)
