"""kube-router, for one of the three things it does: it keeps pods to their network policies."""

from tests.integration.node.builds import program
from tests.integration.node.component import Component, flags, serves
from tests.integration.node.layout import NODE, SERVICE_NET, Layout


def component(layout: Layout) -> Component:
    """Give it; it ends where the API server has no object of its node yet."""
    options = {
        "kubeconfig": layout.kubeconfig,
        "hostname-override": NODE,
        "run-firewall": "true",
        "run-router": "false",
        "run-service-proxy": "false",
        "enable-cni": "false",
        "service-cluster-ip-range": SERVICE_NET,
        "health-port": 20244,
    }
    return Component("kube-router", (program("kube-router"), *flags(options)), serves(20244))
