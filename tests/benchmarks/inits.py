"""The inits that are compared, and how each is started."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import initshim

_AUTOGROUP = Path("/proc/sys/kernel/sched_autogroup_enabled")
PROBE_SOURCE = Path(__file__).parent / "programs" / "probe.c"


@dataclass(frozen=True, slots=True)
class Init:
    """One init: its name in the table, its executable, and what stands before the program."""

    name: str
    path: Path
    prefix: tuple[str, ...]

    def before(self, *program: str) -> list[str]:
        """Give the command line that runs a program behind this init."""
        return [*self.prefix, *program]


def found() -> list[Init]:
    """Give every init that this machine has; ours first."""
    ours = initshim.path()
    inits = [Init("initshim", ours, (str(ours), "--"))]
    for name in ("tini", "tini-static", "dumb-init", "catatonit"):
        where = shutil.which(name)
        if where:
            # tini reaps away from PID 1 only when told to.
            options = ("-s",) if name.startswith("tini") else ()
            inits.append(Init(name, Path(where), (where, *options, "--")))
        else:
            package = name.removesuffix("-static")
            print(f"left out: {name} (apt-get install {package})", file=sys.stderr)
    return inits


def probe(folder: Path) -> str:
    """Compile the program that the inits run."""
    out = folder / "probe"
    zig = [sys.executable, "-m", "ziglang", "cc", "-target", f"{os.uname().machine}-linux-musl"]
    subprocess.run([*zig, "-static", "-O2", "-w", "-o", out, PROBE_SOURCE], check=True)
    return str(out)


@contextmanager
def scheduled_as_in_containers() -> Iterator[bool]:
    """Have the kernel share the CPU between processes, not sessions; tell whether it does.

    Sessions count only outside of containers, whose processes have a cgroup's share (man 7 sched,
    autogroup). There the kernel prefers the program of an init that makes a session for it.
    """
    try:
        before = _AUTOGROUP.read_text()
        _AUTOGROUP.write_text("0")
    except FileNotFoundError:
        yield True
        return
    except PermissionError:
        yield before.strip() == "0"
        return
    try:
        yield True
    finally:
        _AUTOGROUP.write_text(before)


def as_pid_1(command: list[str]) -> list[str]:
    """Run a command as PID 1 of a PID namespace of its own, with its /proc, as in a container."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, "--pid", "--mount-proc", "--fork", "--kill-child", *command]
