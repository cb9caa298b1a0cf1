"""kube-proxy: a Service's address leads to its pods, by iptables."""

import json

from tests.integration.node.builds import program
from tests.integration.node.component import Component, serves
from tests.integration.node.layout import NODE, POD_NET, Layout


def component(layout: Layout) -> Component:
    """Give kube-proxy. It ends when its configuration file is written again."""
    config = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(layout.keys / "proxy.kubeconfig")},
        "mode": "iptables",
        "clusterCIDR": POD_NET,
        "conntrack": {"maxPerCore": 0, "min": 0},  # its limit is the whole machine's
        "bindAddress": "0.0.0.0",
        "healthzBindAddress": "0.0.0.0:10256",
        "metricsBindAddress": "127.0.0.1:10249",
    }
    command = (
        program("kube-proxy"),
        f"--config={layout.config / 'kube-proxy.json'}",
        f"--hostname-override={NODE}",
    )
    return Component("kube-proxy", command, serves(10256), {"kube-proxy.json": json.dumps(config)})
