"""A folder as the kernel shows its processes: stat, status and cgroup of each (proc(5)).

For what can't be had on a test's machine: pods' cgroups of another driver, many containers at once.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_TERM = 1 << 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process; `inner` is its PID in its own namespace, 0 for one of the node's."""

    pid: int
    name: str = "app"
    state: str = "S"
    parent: int = 0
    inner: int = 0
    threads: int = 1
    started: int = 100
    cgroup: str = "0::/"
    catches_term: bool = False
    ignores_term: bool = False


def stat(process: Process) -> str:
    """Give the line of /proc/PID/stat: 52 fields."""
    middle, rest = " ".join(["0"] * 15), " ".join(["0"] * 30)
    return (
        f"{process.pid} ({process.name}) {process.state} {process.parent} {middle} "
        f"{process.threads} 0 {process.started} {rest}\n"
    )


def write(folder: Path, *processes: Process) -> Path:
    """Write the folder anew for these processes, and the kernel's limits."""
    kernel = folder / "sys" / "kernel"
    kernel.mkdir(parents=True, exist_ok=True)
    (kernel / "pid_max").write_text("32768\n")
    (kernel / "threads-max").write_text("190000\n")
    (folder / "loadavg").write_text("0.00 0.01 0.05 1/900 5\n")
    for each in processes:
        own = folder / str(each.pid)
        own.mkdir(exist_ok=True)
        (own / "stat").write_text(stat(each))
        inner = f"\t{each.inner}" if each.inner else ""
        (own / "status").write_text(
            f"Name:\t{each.name}\nNSpid:\t{each.pid}{inner}\n"
            f"SigIgn:\t{_TERM if each.ignores_term else 0:016x}\n"
            f"SigCgt:\t{_TERM if each.catches_term else 0:016x}\n"
        )
        (own / "cgroup").write_text(f"{each.cgroup}\n")
    return folder


@contextmanager
def changing(file: Path, texts: Sequence[str]) -> Iterator[None]:
    """Have a file say another text each time that it is opened; the last one from then on."""
    beside = file.with_suffix(".next")
    file.write_text(texts[-1])
    pipes = texts[:-1]

    def put_next(at: int) -> None:
        if at < len(pipes):
            os.mkfifo(beside)
        else:
            beside.write_text(texts[-1])
        beside.replace(file)

    def tell() -> None:
        for at, text in enumerate(pipes):
            with file.open("w") as pipe:  # waits for who opens it to read
                put_next(at + 1)
                pipe.write(text)

    put_next(0)
    telling = threading.Thread(target=tell, daemon=True)
    telling.start()
    yield
    telling.join(20)
    assert not telling.is_alive(), "nobody read it as often"
