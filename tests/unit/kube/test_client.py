"""The client against a real HTTPS server that answers as the API server does."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import trustme

from tests.fakes.api_server import ApiServer, Refusal, Rule, serving
from webhook.kube.client import KubeClient
from webhook.kube.connect import Connection
from webhook.kube.errors import (
    ApiUnreachable,
    BadApiAnswer,
    Conflict,
    Forbidden,
    KubeError,
    Missing,
    Refused,
)
from webhook.kube.objects import MUTATING_WEBHOOK, NODE, POD, SECRET, Kind, Ref

COLUMNS = ("Name", "Version", "Container-Runtime")
OURS = Ref(SECRET, "initshim-tls", "initshim")


@dataclass(frozen=True)
class Cluster:
    server: ApiServer
    connection: Connection

    def run(self, work: Callable[[KubeClient], Awaitable[Any]], **options: Any) -> Any:
        async def main() -> Any:
            async with KubeClient(self.connection, **options) as client:
                return await work(client)

        return asyncio.run(main())


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def cluster(ca: trustme.CA) -> Iterator[Cluster]:
    server = ApiServer(tokens={"good"})
    theirs, ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ca.issue_cert("localhost").configure_cert(theirs)
    ca.configure_trust(ours)

    async def token() -> str:
        return "good"

    with serving(server, theirs) as url:
        yield Cluster(server, Connection(url, ours, token))


def answering(answer: Any) -> Callable[..., Any]:
    return lambda *_: answer


def test_an_object_goes_through_its_life(cluster: Cluster) -> None:
    async def live(client: KubeClient) -> None:
        made = await client.create(OURS, {"data": {"a": "YQ=="}})
        assert made["kind"] == "Secret"
        assert (await client.get(OURS)) == made
        await client.replace(OURS, {**made, "data": {"b": "Yg=="}})
        patched = await client.merge_patch(OURS, {"data": {"b": None, "c": "Yw=="}})
        assert patched["data"] == {"c": "Yw=="}

    cluster.run(live)


def test_a_stale_version_conflicts_and_nothing_is_lost(cluster: Cluster) -> None:
    async def race(client: KubeClient) -> None:
        first = await client.create(OURS, {"data": {}})
        await client.merge_patch(OURS, {"data": {"theirs": "YQ=="}})
        with pytest.raises(Conflict, match=r"Secret initshim/initshim-tls"):
            await client.replace(OURS, {**first, "data": {"ours": "YQ=="}})
        stale = {"metadata": {"resourceVersion": first["metadata"]["resourceVersion"]}}
        with pytest.raises(Conflict):
            await client.merge_patch(OURS, {**stale, "data": {"ours": "YQ=="}})
        with pytest.raises(Conflict, match="already exists"):
            await client.create(OURS, {"data": {}})
        assert (await client.get(OURS))["data"] == {"theirs": "YQ=="}

    cluster.run(race)


def test_a_replacement_must_name_what_it_replaces(cluster: Cluster) -> None:
    with pytest.raises(ValueError, match="resourceVersion"):
        cluster.run(lambda client: client.replace(OURS, {"metadata": {}}))


def test_a_missing_object_is_told_from_a_forbidden_one(cluster: Cluster) -> None:
    with pytest.raises(Missing, match="Can't get Secret initshim/initshim-tls") as missing:
        cluster.run(lambda client: client.get(OURS))
    assert missing.value.next_step
    cluster.server.rules = set()
    with pytest.raises(Forbidden) as forbidden:
        cluster.run(lambda client: client.get(OURS))
    assert "Grant the verb 'get' on secrets" in forbidden.value.next_step


def test_creating_by_name_alone_is_enough_to_ensure_an_object(cluster: Cluster) -> None:
    """POST can't be granted by name (kubernetes.io, RBAC: resourceNames); apply can."""
    cluster.server.rules = {Rule(v, "secrets", OURS.name) for v in ("get", "create", "patch")}
    with pytest.raises(Forbidden):
        cluster.run(lambda client: client.create(OURS, {}))

    async def twice(client: KubeClient) -> None:
        made = await client.ensure(OURS)
        await client.merge_patch(OURS, {"data": {"a": "YQ=="}})
        again = await client.ensure(OURS)
        assert again["data"] == {"a": "YQ=="}
        assert again["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]

    cluster.run(twice)


def test_refused_credentials_say_so(cluster: Cluster) -> None:
    cluster.server.tokens = {"another"}
    with pytest.raises(Forbidden) as error:
        cluster.run(lambda client: client.get(OURS))
    assert "credentials" in error.value.next_step
    assert "good" not in str(error.value)


def test_a_list_is_read_page_by_page(cluster: Cluster) -> None:
    for number in range(601):
        path = f"/api/v1/namespaces/n{number % 3}/pods/p{number}"
        labels = {"odd": str(number % 2)}
        cluster.server.put(path, {"metadata": {"name": f"p{number}", "labels": labels}})

    async def names(client: KubeClient, **query: str) -> list[str]:
        return [pod["metadata"]["name"] async for pod in client.list(POD, **query)]

    assert len(set(cluster.run(names))) == 601
    assert cluster.server.log.count("GET /api/v1/pods") == 3
    assert len(cluster.run(lambda client: names(client, namespace="n1"))) == 200
    assert len(cluster.run(lambda client: names(client, labels="odd=1"))) == 300


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (408, ApiUnreachable),
        (410, Refused),
        (422, Refused),
        (429, ApiUnreachable),
        (500, ApiUnreachable),
    ],
)
def test_each_status_is_an_error_of_its_own(
    cluster: Cluster, code: int, expected: type[KubeError]
) -> None:
    def fail(_method: str, _path: str) -> None:
        raise Refusal(code, "Whatever", "a  long\nstory.")

    cluster.server.interfere = fail
    with pytest.raises(expected, match=rf"HTTP {code}, a long story$"):
        cluster.run(lambda client: client.get(OURS))


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"text"', b"\xff"])
def test_an_answer_that_is_no_object_is_a_bad_answer(
    cluster: Cluster, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster.server, "answer", answering(body))
    with pytest.raises(BadApiAnswer, match="Secret"):
        cluster.run(lambda client: client.get(OURS))


def test_a_list_that_is_none_is_a_bad_answer(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def listed(client: KubeClient) -> list[Any]:
        return [each async for each in client.list(POD, namespace="shop")]

    monkeypatch.setattr(cluster.server, "answer", answering(b'{"items": {"a": 1}}'))
    with pytest.raises(BadApiAnswer, match="Can't list pods in shop: the answer's items are no li"):
        cluster.run(listed)


def test_what_is_deleted_together_has_to_be_named(cluster: Cluster) -> None:
    """An empty selector would mean every pod of the namespace."""
    with pytest.raises(ValueError, match="named by labels"):
        cluster.run(lambda client: client.delete_all(POD, "shop", labels=""))
    assert not cluster.server.log


def test_a_large_answer_is_cut_off(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster.server, "answer", answering(b"x" * 4097))
    with pytest.raises(BadApiAnswer, match="larger than 4 KiB"):
        cluster.run(lambda client: client.get(OURS), largest=4096)


def test_a_silent_server_meets_the_deadline(cluster: Cluster) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = f"http://127.0.0.1:{silent.getsockname()[1]}"
        waiting = replace(cluster, connection=replace(cluster.connection, server=server))
        with pytest.raises(ApiUnreachable, match="no answer"):
            waiting.run(lambda client: client.get(OURS), deadline=0.05)


def test_nobody_listening_is_unreachable(cluster: Cluster) -> None:
    connection = replace(cluster.connection, server="http://127.0.0.1:1")
    with pytest.raises(ApiUnreachable, match="can't be reached") as error:
        replace(cluster, connection=connection).run(lambda client: client.version())
    assert "NetworkPolicy" in error.value.next_step


def test_a_server_of_another_ca_is_not_spoken_to(cluster: Cluster) -> None:
    connection = replace(cluster.connection, tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    with pytest.raises(ApiUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
        replace(cluster, connection=connection).run(lambda client: client.version())
    assert cluster.server.log == []


def test_the_servers_version_can_be_asked_for(cluster: Cluster) -> None:
    assert cluster.run(lambda client: client.version()) == "v1.36.1"


def test_names_can_not_leave_their_place_in_the_path() -> None:
    assert Ref(SECRET, "../x", "a/b").path == "/api/v1/namespaces/a%2Fb/secrets/..%2Fx"
    assert str(Ref(MUTATING_WEBHOOK, "initshim")) == "MutatingWebhookConfiguration initshim"
    assert Kind("Deployment", "deployments", "apps/v1").resource == "deployments.apps"


def test_a_dry_run_gives_what_would_be_and_the_warnings_and_keeps_nothing(cluster: Cluster) -> None:
    """The API server's warnings are quoted headers (RFC 7234, 5.5)."""
    said = ['initshim left web alone (no-command): set "command:" or \\o/…', "another"]
    cluster.server.admit = lambda _, given: ({**given, "spec": {"admitted": True}}, said)
    created, warnings = cluster.run(
        lambda client: client.rehearse(Ref(POD, "probe", "shop"), {"spec": {}})
    )
    assert created["spec"] == {"admitted": True}
    assert warnings == tuple(said)
    assert not cluster.server.objects


def test_a_refused_dry_run_keeps_the_status(cluster: Cluster) -> None:
    def refuse(_path: str, _given: Any) -> Any:
        raise Refusal(500, "InternalError", "failed calling webhook")

    cluster.server.admit = refuse
    with pytest.raises(ApiUnreachable, match="failed calling webhook") as caught:
        cluster.run(lambda client: client.rehearse(Ref(POD, "probe", "shop"), {}))
    assert caught.value.status == 500


def test_what_is_no_object_is_given_as_text(cluster: Cluster) -> None:
    cluster.server.texts["/metrics"] = "up 1\n"
    assert cluster.run(lambda client: client.text("metrics", "/metrics")) == "up 1\n"
    with pytest.raises(ApiUnreachable, match="no endpoints") as caught:
        cluster.run(lambda client: client.text("x", "/api/v1/namespaces/x/services/y/proxy/z"))
    assert caught.value.status == 503


def test_a_table_has_the_columns_that_were_asked_for(cluster: Cluster) -> None:
    """Three pages of them; objects themselves would be a hundred times as much."""
    info = {"kubeletVersion": "v1.37.2", "containerRuntimeVersion": "containerd://2.4.2"}
    for at in range(600):
        cluster.server.put(f"/api/v1/nodes/n{at:03}", {"status": {"nodeInfo": info}})

    async def work(client: KubeClient) -> list[tuple[str, ...]]:
        return [row async for row in client.table(NODE, COLUMNS)]

    rows = cluster.run(work)
    assert len(rows) == 600
    assert rows[599] == ("n599", "v1.37.2", "containerd://2.4.2")


def test_an_answer_that_is_no_such_table_is_refused(cluster: Cluster) -> None:
    async def work(client: KubeClient) -> None:
        async for _ in client.table(NODE, ("Name", "Colour")):
            pass

    cluster.server.put("/api/v1/nodes/a", {})
    with pytest.raises(BadApiAnswer, match="no table with Name, Colour"):
        cluster.run(work)
