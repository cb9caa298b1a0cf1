"""What the pod on a node may come to, and what it is called."""

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.many_pods import ManyNodes
from webhook.cli.audit.progress import Bar
from webhook.cli.leaks import by_nodes
from webhook.cli.leaks.by_nodes import Seen, Survey
from webhook.cli.leaks.node_pods import census_pod
from webhook.kube.errors import Forbidden

SURVEY = Survey(namespace="initshim-leaks", run="1a2b", image="reaper", seconds=5, at_once=20)


async def look_at(client: ManyNodes) -> Seen:
    seen = Seen()
    await by_nodes.observe_nodes(client, ["n1"], SURVEY, Bar(None), seen)  # type: ignore[arg-type]
    return seen


async def test_a_pod_that_was_refused_for_want_of_its_service_account_is_made_again(
    census: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a namespace that was made a moment ago."""
    monkeypatch.setattr(by_nodes, "_POLL", 0)

    class Early(ManyNodes):
        async def create(self, ref: Any, body: Any) -> Any:
            if self.counted.calls["refused"] < 2:
                self.counted.calls["refused"] += 1
                raise Forbidden("error looking up service account initshim-leaks/default")
            return await super().create(ref, body)

    client = Early(census)
    seen = await look_at(client)
    assert (len(seen.observations), seen.problems) == (1, [])
    assert client.counted.calls["refused"] == 2


async def test_a_pod_whose_container_is_being_created_is_waited_for(
    census: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_nodes, "_POLL", 0)

    class Slow(ManyNodes):
        async def get(self, ref: Any) -> Any:
            if not self.counted.calls["get"]:
                self.counted.calls["get"] += 1
                waiting = {"state": {"waiting": {"reason": "ContainerCreating"}}}
                return {"status": {"phase": "Pending", "containerStatuses": [waiting]}}
            return await super().get(ref)

    seen = await look_at(Slow(census))
    assert (len(seen.observations), seen.problems) == (1, [])


@pytest.mark.parametrize(
    ("node", "name"),
    [
        ("n1", "n1"),
        ("ip-10-0-0-1.eu-west-1", "ip-10-0-0-1-eu-west-1-"),
        ("ip-10-0-0-1-eu-west-1", "ip-10-0-0-1-eu-west-1"),
        ("a" * 60, f"{'a' * 24}-"),
    ],
)
def test_a_pods_name_tells_its_node_and_is_a_dns_label(node: str, name: str) -> None:
    pod = census_pod(node=node, run="1a2b", namespace="x", image="reaper", seconds=5)
    made = pod["metadata"]["name"]
    assert name in made
    assert len(made) <= 63
    assert not set(made) - set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_nodes_whose_names_are_alike_have_pods_of_their_own() -> None:
    names = {
        census_pod(node=node, run="r", namespace="x", image="i", seconds=5)["metadata"]["name"]
        for node in ("a.b", "a-b", "a" * 40, "a" * 41)
    }
    assert len(names) == 4
