"""The network of pods: a bridge, by Debian's CNI plugins. It is the same under every runtime."""

import json

from tests.integration.node.layout import POD_NET

PLUGINS = "/usr/lib/cni"
FOLDER = "cni"
"""Below `Layout.config`."""
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

FILES = {f"{FOLDER}/10-node.conflist": json.dumps(_NETWORK)}
