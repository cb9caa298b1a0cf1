"""The node's cgroups: one in each hierarchy, there before the kubelet looks, removed after."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.integration.node.layout import CGROUP

ROOT = Path("/sys/fs/cgroup")
_PATIENCE = 10.0
_CONTROLLERS = ("cpuset", "cpu", "io", "memory", "pids")


def hierarchies() -> tuple[Path, ...]:
    """Give the roots: each controller's (v1), or the one of all (v2)."""
    if (ROOT / "cgroup.controllers").exists():
        return (ROOT,)
    return tuple(path for path in ROOT.iterdir() if path.is_dir() and not path.is_symlink())


def make() -> None:
    """Make them all, with what a child needs to hold a process."""
    for root in hierarchies():
        own = root / CGROUP
        own.mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):  # v1: empty in a new one
            if (root / name).exists():
                (own / name).write_text((root / name).read_text())
        if (root / "cgroup.controllers").exists():  # v2: given to children one by one
            for place in (root, own):
                for each in _CONTROLLERS:
                    with suppress(OSError):  # not there on this machine
                        (place / "cgroup.subtree_control").write_text(f"+{each}")


def left() -> list[Path]:
    """Give those that are there, the innermost first."""
    return [path for root in hierarchies() for path in _tree(root / CGROUP)]


def remove() -> None:
    """Remove them; a killed process leaves its cgroup a moment later."""
    until = time.monotonic() + _PATIENCE
    while (there := left()) and time.monotonic() < until:
        for path in there:
            with suppress(OSError):
                path.rmdir()
        time.sleep(0.05)


def _tree(root: Path) -> Iterator[Path]:
    if root.is_dir():
        for path in root.iterdir():
            if path.is_dir():
                yield from _tree(path)
        yield root
