"""etcd: one member, without fsync, as the disk is not on trial."""

from tests.integration.node.builds import program
from tests.integration.node.component import Component, flags, serves
from tests.integration.node.layout import NODE_IP, Layout


def component(layout: Layout) -> Component:
    """Give etcd; its data is on the node's disk."""
    url, peer = f"https://{NODE_IP}:2379", "http://127.0.0.1:2380"
    options = {
        "name": "default",
        "data-dir": layout.disk / "etcd",
        "listen-client-urls": url,
        "advertise-client-urls": url,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"default={peer}",
        "cert-file": layout.keys / "etcd.crt",
        "key-file": layout.keys / "etcd.key",
        "client-cert-auth": "true",
        "trusted-ca-file": layout.keys / "ca.crt",
        "unsafe-no-fsync": "true",
        "log-level": "warn",
    }
    return Component("etcd", (program("etcd"), *flags(options)), serves(2379))
