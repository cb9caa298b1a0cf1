"""Built-in certificates over real HTTP to an API server that keeps versions and rights."""

import asyncio
import base64
import random
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.api_server import ApiServer, Refusal, Rule, serving
from tests.fakes.cluster import installed
from tests.unit.tls.cluster import Notes, Time, handshake, verify
from webhook.assembly.certificates import Certificates, make_certificates
from webhook.core.errors import BadSettings
from webhook.core.observe import Silent
from webhook.kube.client import KubeClient
from webhook.kube.connect import Connection
from webhook.settings import Settings
from webhook.tls import bundle, issue
from webhook.tls.files import Files
from webhook.tls.pair import Pair
from webhook.tls.rotate import Rotation
from webhook.tls.state import Timing

SECRET = "/api/v1/namespaces/initshim/secrets/initshim-tls"
HOOK = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/initshim"
RIGHTS = {
    *(Rule(verb, "secrets", "initshim-tls") for verb in ("get", "create", "patch")),
    *(Rule(verb, "mutatingwebhookconfigurations", "initshim") for verb in ("get", "patch")),
}


def configuration(*names: str) -> dict[str, Any]:
    """Give what the chart renders, with a webhook of each of these names."""
    kind = "MutatingWebhookConfiguration"
    hooks = [{**installed(kind)["webhooks"][0], "name": name} for name in names]
    return {**installed(kind), "webhooks": hooks}


@dataclass
class Cluster:
    url: str
    server: ApiServer
    time: Time = field(default_factory=lambda: Time(datetime.now(UTC)))
    notes: Notes = field(default_factory=Notes)

    def rotation(self, client: KubeClient, seed: int = 1) -> Rotation:
        made = make_certificates(
            Settings(),
            client=client,
            observer=self.notes,
            timing=self.time.timing(random.Random(seed)),
        )
        assert isinstance(made, Rotation)
        return made

    def client(self) -> KubeClient:
        async def token() -> str:
            return "t"

        return KubeClient(Connection(self.url, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), token))

    def bundles(self) -> list[bytes]:
        hooks = self.server.objects[HOOK]["webhooks"]
        return [base64.b64decode(hook["clientConfig"].get("caBundle", "")) for hook in hooks]

    async def settle(self, *rotations: Rotation) -> None:
        """Let everybody work until everybody is ready."""
        for _ in range(5):
            pauses = [await rotation.step() for rotation in rotations]
            if all(rotation.state.ready for rotation in rotations):
                return
            self.time.pass_by(min(pauses))
        raise AssertionError([rotation.state for rotation in rotations])


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    server = ApiServer(rules=RIGHTS)
    server.put(HOOK, configuration("one.initshim.dev", "two.initshim.dev"))
    with serving(server) as url:
        yield Cluster(url, server)


async def test_two_replicas_at_once_need_no_more_than_rights_by_name(cluster: Cluster) -> None:
    """One CA, published in every webhook, and all else in the configuration as it was."""

    async with cluster.client() as a, cluster.client() as b:
        one, other = cluster.rotation(a), cluster.rotation(b)
        await asyncio.gather(one.step(), other.step())
        await cluster.settle(one, other)
        first, second = cluster.bundles()
        assert first == second == one.state.bundle
        assert first.count(b"BEGIN CERTIFICATE") == 1
        for rotation in (one, other):
            verify(handshake(rotation.tls), first, cluster.time.now)
    assert cluster.notes.named("certificate-failed") == []
    published = cluster.server.objects[HOOK]
    for hook in published["webhooks"]:
        del hook["clientConfig"]["caBundle"]
    expected = configuration("one.initshim.dev", "two.initshim.dev")
    assert published["webhooks"] == expected["webhooks"]
    assert published["metadata"]["labels"] == expected["metadata"]["labels"] != {}


async def test_a_replica_that_starts_again_is_ready_at_its_first_step(cluster: Cluster) -> None:
    """Since when the bundle is there, the API server has on record; where not, it waits."""
    async with cluster.client() as client:
        await cluster.settle(cluster.rotation(client))
        metadata = cluster.server.objects[HOOK]["metadata"]
        for ago, ready in ((2, True), (1, False)):
            changed = datetime.now(UTC) - timedelta(minutes=ago)
            metadata["managedFields"] = [
                {"manager": "helm", "time": "2020-01-01T00:00:00Z"},
                {"manager": "initshim", "time": changed.isoformat()},
            ]
            again = cluster.rotation(client)
            await again.step()
            assert again.state.ready is ready
        for unknown in ([], [{"manager": "helm"}], [{"time": None}], [{"time": "soon"}], None):
            metadata["managedFields"] = unknown
            again = cluster.rotation(client)
            await again.step()
            assert not again.state.ready


async def test_a_real_client_verifies_what_is_served_by_the_published_bundle(
    cluster: Cluster,
) -> None:
    async with cluster.client() as client:
        rotation = cluster.rotation(client)
        await cluster.settle(rotation)
        server = await asyncio.start_server(
            lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=rotation.tls
        )
        trusting = ssl.create_default_context(cadata=cluster.bundles()[0].decode())
        async with server:
            _, writer = await asyncio.open_connection(
                *server.sockets[0].getsockname(),
                ssl=trusting,
                server_hostname="initshim.initshim.svc",
            )
            writer.close()
            await writer.wait_closed()


async def test_a_secret_made_by_the_chart_is_filled_and_keeps_its_labels(cluster: Cluster) -> None:
    labels = {"app.kubernetes.io/managed-by": "Helm"}
    cluster.server.put(SECRET, {"kind": "Secret", "metadata": {"labels": labels}, "type": "Opaque"})
    cluster.server.rules = RIGHTS - {Rule("create", "secrets", "initshim-tls")}

    async with cluster.client() as client:
        await cluster.settle(cluster.rotation(client))
    secret = cluster.server.objects[SECRET]
    assert secret["metadata"]["labels"] == labels
    assert base64.b64decode(secret["data"]["ca.crt"]).startswith(b"-----BEGIN CERTIFICATE")


async def test_another_writers_change_survives_ours(cluster: Cluster) -> None:
    """Somebody edits the configuration between our read and our write."""
    edits = iter([30, 29, 28])

    def edit(method: str, path: str) -> None:
        if method == "PATCH" and path == HOOK and (seconds := next(edits, None)):
            present = cluster.server.objects[HOOK]
            hooks = [{**hook, "timeoutSeconds": seconds} for hook in present["webhooks"]]
            cluster.server.put(HOOK, {**present, "webhooks": hooks})

    cluster.server.interfere = edit

    async with cluster.client() as client:
        await cluster.settle(cluster.rotation(client))
    hooks = cluster.server.objects[HOOK]["webhooks"]
    assert [hook["timeoutSeconds"] for hook in hooks] == [28, 28]
    assert all(cluster.bundles())


async def test_a_secret_that_another_made_and_filled_meanwhile_is_not_overwritten(
    cluster: Cluster,
) -> None:
    """The slower of two replicas saw no Secret; when it comes to make one, it is there, full."""
    filled: list[dict[str, Any]] = []

    def fill(method: str, path: str) -> None:
        if method == "PATCH" and path == SECRET and not filled:
            ca = issue.authority(now=cluster.time.now, life=timedelta(days=730))
            data = {key: base64.b64encode(ca_part).decode() for key, ca_part in _parts(ca)}
            filled.append(cluster.server.put(SECRET, {"kind": "Secret", "data": data}))

    cluster.server.interfere = fill

    async with cluster.client() as client:
        await cluster.settle(cluster.rotation(client))
    assert cluster.server.objects[SECRET]["data"] == filled[0]["data"]
    assert cluster.bundles()[0] == base64.b64decode(filled[0]["data"]["ca.crt"])


def _parts(ca: Pair) -> list[tuple[str, bytes]]:
    return [("ca.crt", ca.chain), ("ca.key", ca.key)]


@pytest.mark.parametrize("damage", ["delete", "garbage"])
async def test_a_lost_secret_is_restored_from_memory(cluster: Cluster, damage: str) -> None:
    async with cluster.client() as client:
        rotation = cluster.rotation(client)
        await cluster.settle(rotation)
        before, bundles = cluster.server.objects[SECRET]["data"], cluster.bundles()
        if damage == "delete":
            cluster.server.delete(SECRET)
        else:
            cluster.server.put(SECRET, {"kind": "Secret", "data": {"ca.crt": "eA=="}})
        await rotation.step()
        assert cluster.server.objects[SECRET]["data"] == before
        assert cluster.bundles() == bundles


async def test_a_ca_is_followed_by_another_over_http(cluster: Cluster) -> None:
    async with cluster.client() as client:
        rotation = cluster.rotation(client)
        await cluster.settle(rotation)
        cluster.time.pass_by(timedelta(days=540).total_seconds())  # of two years
        await rotation.step()
        old, new = bundle.parse(cluster.bundles()[0])
        for _ in range(15):
            if cluster.server.log.count(f"PATCH {SECRET}") > 3:
                break
            verify(handshake(rotation.tls), old.pem.encode(), cluster.time.now)
            cluster.time.pass_by(await rotation.step())
        verify(handshake(rotation.tls), new.pem.encode(), cluster.time.now)
        assert rotation.state.ready
        assert rotation.state.authority_expires_at == new.not_after
        assert bundle.parse(cluster.bundles()[0]) == (old, new)


async def test_without_the_api_server_the_leaf_is_renewed_and_readiness_stays(
    cluster: Cluster,
) -> None:
    def down(_method: str, _path: str) -> None:
        raise Refusal(503, "ServiceUnavailable", "the server is currently unable to handle it")

    async with cluster.client() as client:
        rotation = cluster.rotation(client)
        await cluster.settle(rotation)
        published = cluster.bundles()[0]
        cluster.server.interfere = down
        pauses = []
        for _ in range(8):
            pauses.append(await rotation.step())
            cluster.time.pass_by(pauses[-1])
        assert all(1 <= pause <= 60 for pause in pauses)
        assert pauses[0] < 5  # and twice as long each time, up to a minute
        assert pauses[-1] > 25
        leaves = set()
        for _ in range(60):  # two months: leaves last a week, the CA for two years
            cluster.time.pass_by(86400)
            await rotation.step()
            assert rotation.state.ready
            leaves.add(handshake(rotation.tls))
            verify(handshake(rotation.tls), published, cluster.time.now)
        assert len(leaves) > 8
        assert "HTTP 503" in rotation.state.reason
        cluster.server.interfere = lambda _method, _path: None
        await rotation.step()
        assert rotation.state.reason == ""


async def test_a_replica_that_can_not_publish_is_not_ready_and_says_why(cluster: Cluster) -> None:
    cluster.server.delete(HOOK)

    async with cluster.client() as client:
        rotation = cluster.rotation(client)
        for _ in range(3):
            cluster.time.pass_by(await rotation.step())
            assert not rotation.state.ready
        assert "MutatingWebhookConfiguration initshim" in rotation.state.reason
        cluster.server.put(HOOK, configuration())
        await rotation.step()
        assert "has no webhooks" in rotation.state.reason
        cluster.server.put(HOOK, configuration("one.initshim.dev"))
        await cluster.settle(rotation)


@pytest.mark.parametrize("missing", sorted(RIGHTS, key=str), ids=str)
async def test_each_right_is_needed_and_asked_for_by_name(cluster: Cluster, missing: Rule) -> None:
    cluster.server.rules = RIGHTS - {missing}

    async with cluster.client() as client:
        rotation = cluster.rotation(client)
        await rotation.step()
        await rotation.step()
        assert not rotation.state.ready
        assert f"'{missing.verb}'" in rotation.state.reason
        assert missing.resource in rotation.state.reason
    assert "PRIVATE" not in str(cluster.notes.notes)


async def test_a_development_certificate_is_ready_at_once_and_verified_by_its_bundle() -> None:
    made = make_certificates(Settings(tls="dev"), client=None, observer=Silent())
    assert isinstance(made, Rotation)
    await made.step()
    assert made.state.ready
    verify(handshake(made.tls), made.state.bundle, datetime.now(UTC))


async def test_the_loop_goes_on_until_it_is_cancelled() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise asyncio.CancelledError

    made = make_certificates(
        Settings(tls="dev"), client=None, observer=Silent(), timing=Timing(sleep=sleep)
    )
    with pytest.raises(asyncio.CancelledError):
        await made.run()
    assert made.state.ready
    assert all(pause == 60 for pause in slept)


async def test_a_doubt_hastens_the_next_step_but_not_more_often_than_every_few_seconds() -> None:
    elapsed, slept = 0.0, 0

    async def sleep(_seconds: float) -> None:
        nonlocal slept
        slept += 1
        await asyncio.Event().wait()

    async def steps() -> int:
        """Let the keeper go on until it rests: nothing that it awaits takes time."""
        for _ in range(100):
            await asyncio.sleep(0)
        return slept

    timing = Timing(monotonic=lambda: elapsed, sleep=sleep)
    made = make_certificates(Settings(tls="dev"), client=None, observer=Silent(), timing=timing)
    keeper = asyncio.create_task(made.run())
    done = [await steps()]
    for pause in (4.5, 0.5, 4.5, 0.5):
        elapsed += pause
        made.doubt()
        done.append(await steps())
    keeper.cancel()
    assert done == [1, 1, 2, 2, 3]


def test_settings_choose_the_keeper(tmp_path: Path) -> None:
    own = Settings(tls="files", tls_cert_file=tmp_path / "c", tls_key_file=tmp_path / "k")
    made: Certificates = make_certificates(own, client=None, observer=Silent())
    assert isinstance(made, Files)
    with pytest.raises(BadSettings, match="needs a cluster"):
        make_certificates(Settings(), client=None, observer=Silent())
