"""containerd with runc, a bridge for pods, and the node's two registries."""

import json
import shutil
import socket

from tests.integration.node.builds import program
from tests.integration.node.component import Component
from tests.integration.node.layout import OPEN_REGISTRY, POD_NET, PRIVATE_REGISTRY, Layout

SOCKET = "/run/containerd/containerd.sock"
PAUSE = f"{OPEN_REGISTRY}/pause:1"
_PLUGINS = "/usr/lib/cni"
_CONFIG = """\
version = 3
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "{socket}"
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "{pause}"
  [plugins."io.containerd.cri.v1.images".registry]
    config_path = "{config}/registries"
[plugins."io.containerd.cri.v1.runtime"]
  disable_apparmor = true
  # Without CAP_SYS_RESOURCE, as in a sandbox, runc can't lower a score and ends.
  restrict_oom_score_adj = true
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      BinaryName = "{runc}"
      SystemdCgroup = false
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["{plugins}"]
    conf_dir = "{config}/cni"
"""
_REGISTRY = """\
server = "http://{host}"
[host."http://{host}"]
  capabilities = ["pull", "resolve"]
"""
_NETWORK = {
    "cniVersion": "1.0.0",
    "name": "node",
    "plugins": [
        {
            "type": "bridge",
            "bridge": "cni0",
            "isGateway": True,
            "ipMasq": False,
            "hairpinMode": True,
            "ipam": {
                "type": "host-local",
                "dataDir": "/run/cni-addresses",
                "ranges": [[{"subnet": POD_NET}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        },
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ],
}


def component(layout: Layout) -> Component:
    """Give containerd; its images are on the node's disk."""
    config = _CONFIG.format(
        socket=SOCKET,
        pause=PAUSE,
        config=layout.config,
        runc=shutil.which("runc"),
        plugins=_PLUGINS,
    )
    registries = {
        f"registries/{host}/hosts.toml": _REGISTRY.format(host=host)
        for host in (OPEN_REGISTRY, PRIVATE_REGISTRY)
    }
    return Component(
        "containerd",
        (program("containerd"), "--config", str(layout.config / "containerd.toml")),
        lambda: _answers(layout),
        {
            "containerd.toml": config,
            "cni/10-node.conflist": json.dumps(_NETWORK),
            **registries,
        },
    )


def _answers(layout: Layout) -> bool:
    with socket.socket(socket.AF_UNIX) as asking:
        try:
            asking.connect(str(layout.inside(SOCKET)))
        except OSError:
            return False
    return True
