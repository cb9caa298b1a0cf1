"""Where everything of the node is: addresses, names, folders."""

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
NODE = "node1"
MACHINE_IP = "10.201.0.1"
"""This machine's end of the link."""
NODE_IP = "10.201.0.2"
POD_NET = "10.202.0.0/24"
SERVICE_NET = "10.203.0.0/24"
FIRST_SERVICE_IP = "10.203.0.1"
DOMAIN = "cluster.local"
OPEN_REGISTRY = "registry.test:5000"
"""Plain HTTP, for everybody."""
PRIVATE_REGISTRY = "private.test:5001"
"""Plain HTTP, with a password."""
PAUSE = f"{OPEN_REGISTRY}/pause:1"
"""What a runtime makes a pod of."""
USER, PASSWORD = "puller", "secret"
CGROUP = "initshim-node"
LINK = "initshim-node0"


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of one node, below one that outlives the checkout."""

    folder: Path

    @property
    def keys(self) -> Path:
        """Certificates, keys, kubeconfigs."""
        return self.folder / "keys"

    @property
    def config(self) -> Path:
        """What the programs are configured by."""
        return self.folder / "config"

    @property
    def disk(self) -> Path:
        """What a node still has when its power comes back."""
        return self.folder / "disk"

    @property
    def logs(self) -> Path:
        """One log for each program."""
        return self.folder / "logs"

    @property
    def run(self) -> Path:
        """Process ids: what a node that is off has none of."""
        return self.folder / "run"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.keys / "admin.kubeconfig"

    @property
    def state(self) -> tuple[Path, ...]:
        """What the node leaves when it is taken down, and loses then."""
        return (self.keys, self.config, self.disk, self.logs, self.run)

    def init(self) -> int | None:
        """Give the process id of the node's PID 1, as this machine counts; None while it is off."""
        try:
            pid = int((self.run / "init.pid").read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if str(self.folder).encode() in command else None

    def inside(self, path: str) -> Path:
        """Give the path at which this machine sees a path of the running node."""
        return Path(f"/proc/{self.init()}/root{path}")


def here() -> Layout:
    """Give the layout that `make node` uses: INITSHIM_NODE, or a folder of the user's cache."""
    chosen = os.environ.get("INITSHIM_NODE")
    return Layout(Path(chosen) if chosen else Path.home() / ".cache" / "initshim" / "node")
