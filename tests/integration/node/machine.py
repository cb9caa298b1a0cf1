"""The node as a machine: switched on and off. Off is the plug pulled."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

import initshim
from tests.integration.node import cgroups
from tests.integration.node.boot import TUNABLES
from tests.integration.node.component import outlive
from tests.integration.node.layout import (
    CGROUP,
    LINK,
    MACHINE_IP,
    NODE,
    NODE_IP,
    OPEN_REGISTRY,
    POD_NET,
    PRIVATE_REGISTRY,
    SERVICE_NET,
    Layout,
)

_SETTINGS = "kernel.json"
_BOOT_SECONDS = 30.0
_UNSHARE = ("unshare", "--pid", "--mount", "--net", "--uts", "--ipc", "--fork", "--kill-child")


class BootFailed(Exception):
    """The node's namespaces could not be set up; the message has what was said."""


def on(layout: Layout) -> None:
    """Make the namespaces, the link to them and the cgroups. Raises BootFailed."""
    for folder in (layout.run, layout.logs, layout.disk):
        folder.mkdir(parents=True, exist_ok=True)
    if not (layout.run / _SETTINGS).exists():  # power that comes back finds what was there first
        (layout.run / _SETTINGS).write_text(json.dumps(kernel_settings()))
    cgroups.make()
    # A reaper of the node's own: a rebuilt one must not be "text file busy".
    reaper = layout.run / "init"
    reaper.write_bytes(initshim.path().read_bytes())
    reaper.chmod(0o755)
    hosts = (name.partition(":")[0] for name in (OPEN_REGISTRY, PRIVATE_REGISTRY))
    boot = [sys.executable, "-B", str(Path(__file__).with_name("boot.py"))]
    command = [*_UNSHARE, "--", *boot, str(layout.folder), str(reaper), NODE, NODE_IP, *hosts]
    outer = outlive(command, layout.logs / "machine.log", {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    _wait_for_init(layout, outer)
    _link(layout)


def off(layout: Layout) -> None:
    """Kill every process of the node at once; take away its link and its cgroups."""
    pid = layout.init()
    if pid:
        with suppress(psutil.NoSuchProcess):
            first = psutil.Process(pid)
            first.kill()
            first.wait(30)
    for file in layout.run.glob("*.pid"):
        file.unlink()
    subprocess.run(["ip", "link", "delete", LINK], capture_output=True, check=False)
    cgroups.remove()


def kernel_settings() -> dict[str, str]:
    """Give what a kubelet sets for a whole machine, as this one has it."""
    paths = {name: Path("/proc/sys") / name for name in TUNABLES}
    return {name: path.read_text().strip() for name, path in paths.items() if path.exists()}


def kept_settings(layout: Layout) -> dict[str, str]:
    """Give what they were before the node came up; nothing where there is no node."""
    try:
        found: dict[str, str] = json.loads((layout.run / _SETTINGS).read_text())
    except OSError:
        return {}
    return found


def changed(before: dict[str, str]) -> Iterator[str]:
    """Say which of them are others now."""
    now = kernel_settings()
    for name, value in before.items():
        if now.get(name) != value:
            yield f"sysctl {name} was {value} and is {now.get(name)}"


def left(layout: Layout) -> list[str]:
    """Say what of the node is still on this machine: processes, mounts, link, routes, cgroups."""
    folder = str(layout.folder)
    found = [f"cgroup {path}" for path in cgroups.left()]
    found += [
        f"process {each.pid} {each.info['name']}"
        for each in psutil.process_iter(["name", "cmdline"])
        if any(word.startswith(folder) for word in each.info["cmdline"] or ())
        or f"/{CGROUP}/" in _cgroups(each.pid)  # a pod's, or CRI-O's monitor of one
    ]
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    found += [f"mount {line}" for line in mounts if folder in line]
    for what, net in (("link", LINK), ("route", POD_NET), ("route", SERVICE_NET)):
        said = subprocess.run(
            ["ip", "link" if what == "link" else "route", "show", net],
            capture_output=True, text=True, check=False,
        ).stdout  # fmt: skip
        found += [f"{what} {line}" for line in said.splitlines() if net in line]
    return found


def _cgroups(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:  # it has ended
        return ""


def _wait_for_init(layout: Layout, outer: int) -> None:
    until = time.monotonic() + _BOOT_SECONDS
    while True:
        alive = psutil.pid_exists(outer)
        children = psutil.Process(outer).children() if alive else []
        if children:
            (layout.run / "init.pid").write_text(str(children[0].pid))
            with suppress(OSError):
                if Path(f"/proc/{children[0].pid}/exe").resolve() == layout.run / "init":
                    return
        if not alive or time.monotonic() > until:
            said = (layout.logs / "machine.log").read_text(errors="replace")[-2000:]
            raise BootFailed(f"the node's namespaces could not be set up:\n{said}")
        time.sleep(0.05)


def _link(layout: Layout) -> None:
    """Lay the cable: one end here, one in the node; pods and Services are behind it."""
    inner = "node0"
    subprocess.run(["ip", "link", "delete", LINK], capture_output=True, check=False)
    pid = str(layout.init())
    _ip("link", "add", LINK, "type", "veth", "peer", "name", inner, "netns", pid)
    _ip("address", "add", f"{MACHINE_IP}/24", "dev", LINK)
    _ip("link", "set", LINK, "up")
    for words in (
        f"address add {NODE_IP}/24 dev {inner}",
        f"link set {inner} up",
        f"route add default via {MACHINE_IP}",
    ):
        subprocess.run(["nsenter", f"--target={pid}", "-n", "ip", *words.split()], check=True)
    for net in (POD_NET, SERVICE_NET):
        _ip("route", "replace", net, "via", NODE_IP)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
