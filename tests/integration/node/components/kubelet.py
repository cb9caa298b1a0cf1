"""The kubelet: cgroup v1 or v2 by cgroupfs, below a cgroup of the node's own."""

import json
import os

import httpx

from tests.integration.node.builds import program
from tests.integration.node.component import Component
from tests.integration.node.components import runtime
from tests.integration.node.components.apiserver import client
from tests.integration.node.layout import CGROUP, DOMAIN, NODE, NODE_IP, Layout

GATES = "INITSHIM_NODE_GATES"
"""Names the feature gates, a comma between two, that are on beside the default ones."""
POD_PIDS = 4096
"""How many tasks a pod may have: what OpenShift has by default."""


def component(layout: Layout) -> Component:
    """Give the kubelet; it is ready when its node is."""
    keys = layout.keys
    config = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(keys / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(keys / "kubelet.crt"),
        "tlsPrivateKeyFile": str(keys / "kubelet.key"),
        "address": "0.0.0.0",
        "clusterDNS": [NODE_IP],
        "clusterDomain": DOMAIN,
        "resolvConf": "",
        "containerRuntimeEndpoint": f"unix://{runtime.chosen().socket}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{CGROUP}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
            "nodefs.inodesFree": "1%",
        },
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "maxPods": 200,
        "podPidsLimit": POD_PIDS,
        "featureGates": {name: True for name in os.environ.get(GATES, "").split(",") if name},
    }
    command = (
        program("kubelet"),
        f"--config={layout.config / 'kubelet.json'}",
        f"--kubeconfig={keys / 'kubelet.kubeconfig'}",
        f"--hostname-override={NODE}",
        f"--node-ip={NODE_IP}",
        "--v=2",
        "--vmodule=generic=5",  # when it looks at its pods, and what it sees ended
    )
    return Component(
        "kubelet", command, lambda: _node_is_ready(layout), {"kubelet.json": json.dumps(config)}
    )


def _node_is_ready(layout: Layout) -> bool:
    try:
        with client(layout) as api:
            asked = api.get(f"/api/v1/nodes/{NODE}")
    except httpx.HTTPError:
        return False
    if asked.status_code != 200:  # it has not registered yet
        return False
    said = asked.json().get("status", {}).get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in said)
