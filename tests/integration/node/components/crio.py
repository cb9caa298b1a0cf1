"""CRI-O with conmon and runc, the bridge for pods, and the node's two registries."""

import json
import shutil
from pathlib import Path

from tests.integration.node.builds import pinns, program
from tests.integration.node.component import Component, listens
from tests.integration.node.components import pod_network
from tests.integration.node.layout import OPEN_REGISTRY, PAUSE, PRIVATE_REGISTRY, Layout

SOCKET = "/run/crio/crio.sock"
_RUNC = Path(__file__).with_name("runc.sh")
_CONFIG = """\
[crio]
root = "/var/lib/containers/storage"
runroot = "/run/containers/storage"
storage_driver = "overlay"
storage_option = []
log_dir = "/var/log/crio/pods"
version_file = "/run/crio/version"
version_file_persist = "/var/lib/crio/version"
clean_shutdown_file = "/var/lib/crio/clean.shutdown"
[crio.api]
listen = "{socket}"
[crio.runtime]
cgroup_manager = "cgroupfs"
default_runtime = "runc"
pinns_path = "{pinns}"
namespaces_dir = "/run"
container_exits_dir = "/run/crio/exits"
container_attach_socket_dir = "/run/crio"
[crio.runtime.runtimes.runc]
runtime_path = "{runc}"
runtime_root = "/run/runc"
monitor_path = "{conmon}"
monitor_cgroup = "pod"
[crio.image]
pause_image = "{pause}"
pause_command = "/pause"
signature_policy = "{config}/policy.json"
[crio.network]
network_dir = "{config}/{network}"
plugin_dirs = ["{plugins}"]
"""
_REGISTRY = """\
[[registry]]
location = "{host}"
insecure = true
"""
_POLICY = {"default": [{"type": "insecureAcceptAnything"}]}


def component(layout: Layout) -> Component:
    """Give CRI-O; its images are on the node's disk, and nothing that the machine sets is read."""
    config = _CONFIG.format(
        socket=SOCKET,
        pause=PAUSE,
        config=layout.config,
        pinns=pinns(),
        runc=_RUNC,
        conmon=shutil.which("conmon"),
        network=pod_network.FOLDER,
        plugins=pod_network.PLUGINS,
    )
    hosts = (OPEN_REGISTRY, PRIVATE_REGISTRY)
    command = (
        program("crio"),
        f"--config={layout.config / 'crio.toml'}",
        f"--config-dir={layout.config / 'crio.d'}",
        f"--registries-conf={layout.config / 'registries.toml'}",
        f"--registries-conf-dir={layout.config / 'registries.d'}",
    )
    return Component(
        "crio",
        command,
        listens(layout, SOCKET),
        {
            "crio.toml": config,
            "policy.json": json.dumps(_POLICY),
            "registries.toml": "".join(_REGISTRY.format(host=host) for host in hosts),
            **pod_network.FILES,
        },
    )
