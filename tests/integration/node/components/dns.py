"""The cluster's DNS: the addresses of Services and of the node's registries."""

import sys

from tests.integration.node.component import Component, serves
from tests.integration.node.layout import (
    NODE,
    NODE_IP,
    OPEN_REGISTRY,
    PRIVATE_REGISTRY,
    ROOT,
    Layout,
)


def component(layout: Layout) -> Component:
    """Give the server in `dns_server.py`, run by this Python."""
    script = ROOT / "tests/integration/node/dns_server.py"
    names = (NODE, *(each.partition(":")[0] for each in (OPEN_REGISTRY, PRIVATE_REGISTRY)))
    command = (sys.executable, "-B", str(script), str(layout.kubeconfig), NODE_IP, *names)
    return Component("dns", command, serves(53))
