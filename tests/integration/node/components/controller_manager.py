"""kube-controller-manager: Deployments, Jobs, service accounts, endpoints."""

from tests.integration.node.builds import program
from tests.integration.node.component import Component, flags, serves
from tests.integration.node.layout import POD_NET, SERVICE_NET, Layout


def component(layout: Layout) -> Component:
    """Give the controller manager."""
    keys = layout.keys
    options = {
        "kubeconfig": keys / "controller-manager.kubeconfig",
        "leader-elect": "false",
        "use-service-account-credentials": "true",
        "service-account-private-key-file": keys / "accounts.key",
        "root-ca-file": keys / "ca.crt",
        "cluster-signing-cert-file": keys / "ca.crt",
        "cluster-signing-key-file": keys / "ca.key",
        "cert-dir": keys / "controller-manager",
        "cluster-cidr": POD_NET,
        "service-cluster-ip-range": SERVICE_NET,
        "allocate-node-cidrs": "false",
    }
    command = (program("kube-controller-manager"), *flags(options))
    return Component("kube-controller-manager", command, serves(10257))
