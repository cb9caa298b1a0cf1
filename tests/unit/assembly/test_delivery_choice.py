"""`delivery: auto` against an API server on a real socket: what nodes report decides."""

import asyncio
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.api_server import ApiServer, Refusal, Rule, serving
from webhook.assembly.delivery_choice import SECONDS, DeliveryChoice
from webhook.core.log_events import LogEvent
from webhook.core.observe import Silent
from webhook.core.pod import Pod
from webhook.kube.client import KubeClient
from webhook.kube.connect import Connection

POD = Pod({"spec": {"containers": []}})


class Notes(Silent):
    def __init__(self) -> None:
        self.notes: list[tuple[LogEvent, dict[str, object]]] = []

    def note(self, event: LogEvent, **fields: object) -> None:
        self.notes.append((event, fields))


class Cluster:
    def __init__(self, server: ApiServer, url: str) -> None:
        self.server, self.url, self.notes = server, url, Notes()

    def node(self, name: str, kubelet: str = "v1.36.1", system: str = "linux") -> None:
        info = {"kubeletVersion": kubelet, "containerRuntimeVersion": "containerd://2.4.2"}
        labels = {"kubernetes.io/os": system}
        body: dict[str, Any] = {"metadata": {"labels": labels}, "status": {"nodeInfo": info}}
        self.server.put(f"/api/v1/nodes/{name}", body)

    def looks(self, *changes: Any) -> list[bool]:
        """Look, and once more after each change; give what was chosen each time."""

        async def token() -> None:
            return None

        async def run() -> list[bool]:
            connection = Connection(self.url, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), token)
            async with KubeClient(connection) as client:
                choice, chosen = DeliveryChoice(client, self.notes), []
                assert not choice.as_volume(POD)
                for change in (lambda: None, *changes):
                    change()
                    await choice.ask_nodes()
                    chosen.append(choice.as_volume(POD))
                return chosen

        return asyncio.run(run())


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    server = ApiServer(rules={Rule("list", "nodes")})
    with serving(server) as url:
        yield Cluster(server, url)


def test_where_every_node_can_pods_get_image_volumes(cluster: Cluster) -> None:
    for at in range(600):  # three pages of the API server's
        cluster.node(f"n{at}")
    assert cluster.looks() == [True]
    [(event, fields)] = cluster.notes.notes
    assert event is LogEvent.DELIVERY_CHOSEN
    assert (fields["delivery"], fields["nodes"], fields["unable"]) == ("imageVolume", 600, 0)


def test_one_node_that_cannot_is_enough_until_it_is_gone(cluster: Cluster) -> None:
    cluster.node("new")
    cluster.node("old", "v1.34.2")
    assert cluster.looks(
        lambda: cluster.server.delete("/api/v1/nodes/old"),
        lambda: cluster.node("late", "v1.33.0"),
    ) == [False, True, False]
    first, _, last = (fields["example"] for _, fields in cluster.notes.notes)
    assert first == "old: its kubelet is v1.34.2"
    assert last == "late: its kubelet is v1.33.0"


def test_windows_nodes_do_not_count(cluster: Cluster) -> None:
    cluster.node("new")
    cluster.node("win", "v1.30.0", system="windows")
    assert cluster.looks() == [True]


def test_no_node_at_all_means_the_init_container(cluster: Cluster) -> None:
    assert cluster.looks() == [False]


@pytest.mark.parametrize("code", [403, 503])
def test_nodes_that_cannot_be_listed_mean_the_init_container(cluster: Cluster, code: int) -> None:
    cluster.node("new")

    def refuse(_method: str, path: str) -> None:
        if path.endswith("/nodes"):
            raise Refusal(code, "Refused", "not today")

    def begin() -> None:
        cluster.server.interfere = refuse

    def end() -> None:
        cluster.server.interfere = lambda _method, _path: None

    assert cluster.looks(begin, lambda: None, end) == [True, False, False, True]
    events = [event for event, _ in cluster.notes.notes]  # what stays so is said once
    chosen = LogEvent.DELIVERY_CHOSEN
    assert events == [chosen, LogEvent.NODES_NOT_READ, chosen]


def test_an_older_api_server_means_the_init_container(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def version(_client: KubeClient) -> str:
        return "v1.34.3"

    monkeypatch.setattr(KubeClient, "version", version)
    cluster.node("new")
    assert cluster.looks() == [False]


def test_it_goes_on_asking_and_not_with_everybody_else(cluster: Cluster) -> None:
    slept: list[float] = []

    class Enough(Exception):
        pass

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise Enough

    async def token() -> None:
        return None

    async def run() -> None:
        connection = Connection(cluster.url, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), token)
        async with KubeClient(connection) as client:
            chances = iter((0.0, 0.5, 1.0))
            await DeliveryChoice(client, Silent(), sleep=sleep, chance=lambda: next(chances)).run()

    with pytest.raises(Enough):
        asyncio.run(run())
    assert slept == pytest.approx([SECONDS, 1.1 * SECONDS, 1.2 * SECONDS])
    assert cluster.server.log.count("GET /api/v1/nodes") == 3
