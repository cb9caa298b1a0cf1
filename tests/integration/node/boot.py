"""What a node does before its PID 1 takes over: its mounts, its names, its own kernel settings.

Run inside of fresh namespaces (pid, mount, net, uts, ipc) as `boot.py FOLDER REAPER`. It becomes
the reaper: the node's PID 1, as in a pod.
"""

import os
import socket
import subprocess
import sys
from pathlib import Path

# The kubelet sets these for the whole machine (pkg/kubelet/cm setupKernelTunables). Here they are
# files of the node's own, so that nothing outside changes.
TUNABLES = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)
# The folder's name is the shell's $0: by that the node is found again.
_INIT = ("init", "--", "sh", "-c", "while :; do sleep 3600; done")


def main(folder: Path, reaper: str, *, name: str, address: str, hosts: tuple[str, ...]) -> None:
    """Mount, name, then become the reaper."""
    mount("--make-rprivate", "/")
    mount("-t", "proc", "proc", "/proc")
    mount("--make-rshared", "/")
    resolver = Path("/etc/resolv.conf").resolve()  # a link into /run, where systemd-resolved is
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    for below in ("lib", "log"):
        own = folder / "disk" / "var" / below
        own.mkdir(parents=True, exist_ok=True)
        mount("--bind", str(own), f"/var/{below}")
        mount("--make-rshared", f"/var/{below}")
    own = folder / "config" / "machine"
    own.mkdir(parents=True, exist_ok=True)
    known = f"127.0.0.1 localhost\n{address} {' '.join(hosts)}\n"
    replace(Path("/etc/hosts"), own / "hosts", known)
    replace(resolver, own / "resolv.conf", f"nameserver {address}\n")
    for tunable in TUNABLES:
        path = Path("/proc/sys") / tunable
        if path.exists():
            replace(path, own / "sysctl" / tunable.replace("/", "."), path.read_text())
    socket.sethostname(name)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    os.execv(reaper, [*_INIT, str(folder)])  # noqa: S606 - it becomes it


def mount(*words: str) -> None:
    """Run mount(8)."""
    subprocess.run(["mount", *words], check=True)


def replace(path: Path, by: Path, text: str) -> None:
    """Put a file of the node's own in a file's place."""
    by.parent.mkdir(parents=True, exist_ok=True)
    by.write_text(text)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    mount("--bind", str(by), str(path))


if __name__ == "__main__":
    folder, reaper, name, address, *more = sys.argv[1:]
    main(Path(folder), reaper, name=name, address=address, hosts=(name, *more))
