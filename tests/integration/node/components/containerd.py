"""containerd with runc, the bridge for pods, and the node's two registries."""

import shutil

from tests.integration.node.builds import program
from tests.integration.node.component import Component, listens
from tests.integration.node.components import pod_network
from tests.integration.node.layout import OPEN_REGISTRY, PAUSE, PRIVATE_REGISTRY, Layout

SOCKET = "/run/containerd/containerd.sock"
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
    conf_dir = "{config}/{network}"
"""
_REGISTRY = """\
server = "http://{host}"
[host."http://{host}"]
  capabilities = ["pull", "resolve"]
"""


def component(layout: Layout) -> Component:
    """Give containerd; its images are on the node's disk."""
    config = _CONFIG.format(
        socket=SOCKET,
        pause=PAUSE,
        config=layout.config,
        runc=shutil.which("runc"),
        plugins=pod_network.PLUGINS,
        network=pod_network.FOLDER,
    )
    registries = {
        f"registries/{host}/hosts.toml": _REGISTRY.format(host=host)
        for host in (OPEN_REGISTRY, PRIVATE_REGISTRY)
    }
    return Component(
        "containerd",
        (program("containerd"), "--config", str(layout.config / "containerd.toml")),
        listens(layout, SOCKET),
        {"containerd.toml": config, **pod_network.FILES, **registries},
    )
