"""The chart's NetworkPolicy where the network keeps it: who gets through, and who does not."""

from collections.abc import Iterator

import pytest

from tests.integration.node import options
from tests.integration.node.cluster import Cluster
from tests.integration.node.layout import OPEN_REGISTRY

pytestmark = pytest.mark.skipif(
    options.network() == options.BRIDGE,
    reason="a bridge knows no network policies: INITSHIM_NODE_NETWORK=kube-router",
)
PORTS = {"webhook": 8443, "http": 8080}
NOBODY = "networkPolicy.metricsFrom[0].podSelector.matchLabels.may=read"
DENY_ALL = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "nothing"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
}


@pytest.fixture
def as_before(cluster: Cluster) -> Iterator[None]:
    yield
    cluster.upgrade()


def webhook(cluster: Cluster) -> tuple[str, str]:
    """Give the name and the address of one of the webhook's pods."""
    for pod in cluster.pods("initshim"):
        ends = "deletionTimestamp" in pod["metadata"]
        if pod["metadata"]["labels"].get("app.kubernetes.io/component") == "webhook" and not ends:
            return pod["metadata"]["name"], pod["status"]["podIP"]
    raise AssertionError("no webhook's pod")


def reaches(cluster: Cluster, namespace: str, address: str, port: int) -> bool:
    """Tell whether the pod `x` can connect."""
    look = f"nc -w 3 {address} {port} </dev/null >/dev/null 2>&1 && echo reached"
    said = cluster.kubectl("-n", namespace, "exec", "x", "--", "sh", "-c", look, check=False)
    return "reached" in said


@pytest.mark.usefixtures("as_before")
def test_only_who_may_reads_the_metrics_and_all_reach_the_webhook(
    cluster: Cluster, plain: str
) -> None:
    cluster.run(plain, "x", "/bin/idle")
    cluster.running(plain, "x")
    _, address = webhook(cluster)
    assert {name: reaches(cluster, plain, address, port) for name, port in PORTS.items()} == {
        "webhook": True, "http": True,
    }  # fmt: skip
    cluster.upgrade(NOBODY)  # and the kubelet's probes still get through: both become ready
    _, address = webhook(cluster)
    cluster.until(lambda: not reaches(cluster, plain, address, PORTS["http"]), patience=30)
    assert reaches(cluster, plain, address, PORTS["webhook"])


@pytest.mark.usefixtures("as_before")
def test_the_webhook_cannot_reach_what_is_denied_and_wraps_as_ever(
    cluster: Cluster, shop: str, plain: str
) -> None:
    cluster.run(plain, "x", "httpd", "-f", "-p", "8000")
    there = cluster.running(plain, "x")["status"]["podIP"]

    def got() -> str:
        name, _ = webhook(cluster)
        call = f"import socket; socket.create_connection(('{there}', 8000), 3); print('reached')"
        words = ("-n", "initshim", "exec", name, "--", "/opt/venv/bin/python", "-c", call)
        return cluster.kubectl(*words, check=False)

    assert "reached" in got()
    cluster.upgrade(f"networkPolicy.deniedCIDRs={{{there}/32}}")
    cluster.until(lambda: "reached" not in got(), patience=30)
    cluster.run(shop, "x", container={"image": f"{OPEN_REGISTRY}/entry:1"})
    pod = cluster.running(shop, "x")
    assert pod["spec"]["containers"][0]["command"][0] == "/.initshim/init"


def test_a_namespace_that_lets_nothing_through_has_pods_that_are_wrapped(
    cluster: Cluster, shop: str
) -> None:
    cluster.apply({**DENY_ALL, "metadata": {"name": "nothing", "namespace": shop}})
    cluster.run(shop, "x", "/bin/leaker")
    cluster.running(shop, "x")
    assert cluster.kubectl("-n", shop, "exec", "x", "--", "cat", "/proc/1/comm").startswith("init")
    _, address = webhook(cluster)
    cluster.until(lambda: not reaches(cluster, shop, address, PORTS["webhook"]), patience=30)
