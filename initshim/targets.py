"""The machines that the reaper is built for, and what the tools call them."""

import platform
import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One machine, under the name that Go, Docker and Kubernetes use."""

    name: str
    zig: str
    machine: str
    """What `uname -m` says there; also what Python wheels are tagged with."""
    word: int = 64
    start: bool = True
    """Whether our own start-up is enough: musl's system calls need nothing that its own sets."""

    @property
    def file(self) -> str:
        """The name of the executable."""
        return f"initshim-linux-{self.name}"


TARGETS = {
    target.name: target
    for target in (
        Target(name="amd64", zig="x86_64-linux-musl", machine="x86_64"),
        Target(name="arm64", zig="aarch64-linux-musl", machine="aarch64"),
        Target(name="arm", zig="arm-linux-musleabihf", machine="armv7l", word=32),
        # musl's system calls go through the thread area (`call *%gs:16`) that its start-up sets.
        Target(name="386", zig="x86-linux-musl", machine="i686", word=32, start=False),
        Target(name="ppc64le", zig="powerpc64le-linux-musl", machine="ppc64le"),
        Target(name="riscv64", zig="riscv64-linux-musl", machine="riscv64"),
        Target(name="s390x", zig="s390x-linux-musl", machine="s390x"),
    )
}


def this_machine() -> Target:
    """The target of the machine that we run on."""
    if sys.platform != "linux":
        raise LookupError(f"the reaper is for Linux; this is {sys.platform}")
    machine = platform.machine()
    for target in TARGETS.values():
        if target.machine == machine:
            return target
    known = ", ".join(target.machine for target in TARGETS.values())
    raise LookupError(f"the reaper is not built for {machine} (but for {known})")
