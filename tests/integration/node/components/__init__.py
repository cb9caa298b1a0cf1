"""The node's programs, each with its configuration, in the order in which they start."""

from tests.integration.node import options
from tests.integration.node.component import Component
from tests.integration.node.components import (
    apiserver,
    controller_manager,
    dns,
    etcd,
    kube_router,
    kubelet,
    proxy,
    registry,
    runtime,
    scheduler,
)
from tests.integration.node.layout import Layout


def all_of(layout: Layout) -> dict[str, Component]:
    """Give every program by its name; a later one may need an earlier one."""
    made = [
        etcd.component(layout),
        runtime.chosen().component(layout),
        registry.open_to_all(layout),
        registry.with_password(layout),
        apiserver.component(layout),
        dns.component(layout),
        controller_manager.component(layout),
        scheduler.component(layout),
        proxy.component(layout),
        kubelet.component(layout),
    ]
    if options.network() == options.KUBE_ROUTER:
        made.append(kube_router.component(layout))
    return {each.name: each for each in made}
