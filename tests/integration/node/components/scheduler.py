"""kube-scheduler."""

from tests.integration.node.builds import program
from tests.integration.node.component import Component, flags, serves
from tests.integration.node.layout import Layout


def component(layout: Layout) -> Component:
    """Give the scheduler."""
    options = {
        "kubeconfig": layout.keys / "scheduler.kubeconfig",
        "leader-elect": "false",
        "cert-dir": layout.keys / "scheduler",
    }
    return Component("kube-scheduler", (program("kube-scheduler"), *flags(options)), serves(10259))
