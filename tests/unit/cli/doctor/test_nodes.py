"""doctor's nodes: which of them keep pods from image volumes."""

import pytest

from tests.unit.cli.doctor.cluster import NEW, OLD
from tests.unit.cli.doctor.diagnosis import Served, found, found_by
from webhook.cli.doctor.finding import Severity


@pytest.mark.parametrize(
    ("delivery", "nodes", "severity", "said"),
    [
        ("auto", {"a": NEW, "b": NEW}, Severity.OK, "all 2 report"),
        ("auto", {"a": NEW, "b": OLD}, Severity.INFO, "1 of 2"),
        ("auto", {}, Severity.INFO, "no Linux node"),
        ("imageVolume", {"a": NEW, "b": OLD}, Severity.ERROR, "(b: its kubelet is v1.34.1)"),
        ("imageVolume", {"a": NEW}, Severity.OK, "all 1 report"),
        ("auto", {f"n{at}": OLD for at in range(7)}, Severity.INFO, "; and 2 more)"),
    ],
)
def test_nodes_that_keep_pods_from_image_volumes_are_named(
    cluster: Served,
    delivery: str,
    nodes: dict[str, dict[str, str]],
    severity: Severity,
    said: str,
) -> None:
    there = cluster[0]
    there.configure(DELIVERY=delivery)
    for name, info in nodes.items():
        there.server.put(f"/api/v1/nodes/{name}", {"status": {"nodeInfo": info}})
    [finding] = [each for each in found(cluster) if each.check == "nodes"]
    assert (finding.severity, said in finding.what) == (severity, True)
    assert finding.remedy or severity is Severity.OK


def test_as_many_as_fit_are_named_all(cluster: Served) -> None:
    there = cluster[0]
    there.configure(DELIVERY="imageVolume")
    for at in range(5):
        there.server.put(f"/api/v1/nodes/n{at}", {"status": {"nodeInfo": OLD}})
    (one,) = found_by("nodes", cluster)
    named = "; ".join(f"n{at}: its kubelet is v1.34.1" for at in range(5))
    assert one.what == (
        f"5 of 5 can't mount images as volumes ({named}): injected pods don't start there"
    )
    assert one.remedy == (
        "Render the chart again as it was (helm template …) with --set delivery=auto, and apply it."
    )
