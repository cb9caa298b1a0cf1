"""Rotation: no ready replica ever serves what the API server can't verify (semantics §6)."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.tls.cluster import BLIND, NAME, START, Cluster, handshake, verify
from webhook.tls import bundle, issue
from webhook.tls.state import Lives
from webhook.tls.store import Stored, Vault

DAY = timedelta(days=1)
SHORT = Lives(authority=30 * DAY, leaf=6 * DAY, every=3 * DAY)


def vault(cluster: Cluster) -> Vault:
    assert cluster.secret.stored
    found = Vault.read(cluster.secret.stored.data)
    assert found
    return found


def ready(cluster: Cluster) -> bool:
    return all(replica.rotation.state.ready for replica in cluster.replicas)


def started(lives: Lives = SHORT, *, replicas: int = 2) -> Cluster:
    cluster = Cluster(lives, replicas=replicas)
    cluster.run(timedelta(minutes=1))
    assert ready(cluster)
    return cluster


def test_each_certificate_that_is_loaded_is_told_with_its_end() -> None:
    cluster = started(replicas=1)
    state = cluster.replicas[0].rotation.state
    assert state.expires_at == START + 6 * DAY
    told = [{"expires": "2026-01-07T12:00:00+00:00"}]
    assert cluster.notes.named("certificate-loaded") == told
    cluster.run(5 * DAY)
    assert state.expires_at
    told.append({"expires": state.expires_at.isoformat()})
    assert cluster.notes.named("certificate-loaded") == told


@asynccontextmanager
async def listening(tls: ssl.SSLContext) -> AsyncIterator[int]:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def served(port: int) -> bytes:
    """Connect as a client that will verify by itself, at another time than the present."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=BLIND, server_hostname=NAME
    )
    certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    assert not await reader.read()  # the server hangs up once its side of the handshake is done
    writer.close()
    await writer.wait_closed()
    return bytes(certificate)


@pytest.mark.slow
async def test_ten_years_of_rotations_fail_no_handshake() -> None:
    """Three replicas on real sockets; a handshake across every step, and with all at a change."""
    lives = Lives(authority=365 * DAY, leaf=28 * DAY, every=14 * DAY)
    cluster = Cluster(lives, replicas=3)
    seen: set[tuple[bytes, bytes]] = set()
    handshakes = 0

    async def ask(port: int) -> None:
        nonlocal handshakes
        certificate = await served(port)
        handshakes += 1
        for pem in cluster.bundle.within(lives.lag.total_seconds()):
            verify(certificate, pem, cluster.time.now)
            seen.add((certificate, pem))

    async with AsyncExitStack() as stack:
        replicas = [one.rotation for one in cluster.replicas]
        ports = [await stack.enter_async_context(listening(one.tls)) for one in replicas]
        while cluster.time.now < START + 3653 * DAY:
            index = cluster.wake()
            changes = len(cluster.bundle.history)
            asked = [ports[index]] if replicas[index].state.ready else []
            under_way = [asyncio.create_task(ask(port)) for port in asked]
            await asyncio.sleep(0)
            ended = False
            while not ended:
                ended = cluster.go(index)
                await asyncio.sleep(0)  # the handshake goes on between two operations
            await asyncio.gather(*under_way)
            assert ready(cluster) or cluster.time.elapsed < 60
            if ready(cluster) and len(cluster.bundle.history) > changes:
                await asyncio.gather(*map(ask, ports))
    leaves, bundles = {leaf for leaf, _ in seen}, {pem for _, pem in seen}
    assert handshakes > 1000
    assert len(leaves) > 3 * 3653 / 28
    assert len(bundles) > 2 * 10  # each new CA comes, each old one goes
    assert all(len(bundle.parse(pem)) <= 2 for pem in bundles)


def test_two_replicas_that_start_at_once_make_one_ca() -> None:
    cluster = Cluster(SHORT, replicas=2)
    while not (cluster.go(0) & cluster.go(1)):
        assert cluster.turns < 50
    cluster.run(timedelta(minutes=1))
    assert cluster.secret.writes == 1
    one, other = cluster.notes.named("certificate-authority-loaded")
    assert one == other
    assert len(bundle.parse(cluster.bundle.history[-1][1])) == 1
    assert ready(cluster)


def test_nobody_is_ready_before_the_ca_was_published_for_as_long_as_the_lag() -> None:
    cluster = Cluster(SHORT, replicas=1)
    state = cluster.replicas[0].rotation.state
    while not cluster.go(0):
        assert not state.ready
    assert not state.ready
    assert state.expires_at
    assert "published just now" in state.reason
    cluster.time.pass_by(SHORT.lag.total_seconds() - 0.1)
    while not cluster.go(0):
        pass
    assert not state.ready
    cluster.run(timedelta(seconds=5))
    assert state.ready
    assert state.reason == ""


def test_a_replica_that_starts_again_is_ready_at_once() -> None:
    """The API server has it on record that nothing has changed; others are not asked."""
    cluster = started()
    cluster.run(timedelta(minutes=2))
    cluster.kill(0)
    work(cluster)
    assert ready(cluster)
    cluster.check()


def test_a_replica_that_starts_just_after_a_change_waits() -> None:
    cluster = Cluster(SHORT, replicas=2)
    work(cluster)
    cluster.time.pass_by(59)
    cluster.kill(1)
    work(cluster)
    assert cluster.replicas[0].rotation.state.ready
    assert not cluster.replicas[1].rotation.state.ready


def test_once_its_ca_was_seen_a_slow_api_server_keeps_nobody_from_being_ready() -> None:
    cluster = Cluster(SHORT, replicas=1)
    while not cluster.go(0):
        pass
    assert not ready(cluster)
    cluster.time.pass_by(SHORT.lag.total_seconds())
    assert not cluster.go(0)  # the next step waits for its first answer
    assert ready(cluster)


def test_a_new_ca_signs_only_after_its_grace() -> None:
    cluster = started()
    old = vault(cluster).current
    cluster.run(20.5 * DAY)
    while vault(cluster).following is None:
        cluster.go(cluster.wake())
    finish(cluster)
    for _ in range(9):  # of ten minutes
        cluster.time.pass_by(60)
        work(cluster)
    assert vault(cluster).current == old
    cluster.run(timedelta(minutes=2))
    assert vault(cluster).current != old
    assert vault(cluster).retired == (old.certificate,)


def test_the_old_ca_leaves_the_bundle_when_it_has_expired() -> None:
    cluster = started()
    old = vault(cluster).current.certificate
    cluster.run(29 * DAY)
    assert old in bundle.parse(cluster.bundle.history[-1][1])
    cluster.run(8 * DAY)
    assert old not in bundle.parse(cluster.bundle.history[-1][1])
    assert old not in vault(cluster).certificates


def kill_points() -> list[int]:
    """Give every turn around a write, in a life that holds a whole rotation."""
    cluster = Cluster(SHORT)
    points: set[int] = set()
    while cluster.time.elapsed < (33 * DAY).total_seconds():
        index = cluster.wake()
        ended = False
        while not ended:
            before = cluster.secret.writes, len(cluster.bundle.history)
            ended = cluster.go(index)
            if before != (cluster.secret.writes, len(cluster.bundle.history)):
                points.update(range(cluster.turns - 2, cluster.turns + 2))
    return sorted(points)


POINTS = kill_points()


def test_a_life_has_enough_steps_to_be_killed_between() -> None:
    assert len(POINTS) >= 20


@pytest.mark.parametrize("everybody", [False, True], ids=["one", "all"])
@pytest.mark.parametrize(
    "point",
    # `make quick` takes every tenth.
    [
        pytest.param(point, marks=[pytest.mark.slow] * bool(i % 10))
        for i, point in enumerate(POINTS)
    ],
)
def test_killed_between_any_two_steps_it_resumes(point: int, *, everybody: bool) -> None:
    cluster = Cluster(SHORT)
    while cluster.turns < point:
        index = cluster.wake()
        while not cluster.go(index) and cluster.turns < point:
            pass
    cluster.check()
    for victim in range(2) if everybody else [index]:
        cluster.kill(victim)
    span = timedelta(days=45) - timedelta(seconds=cluster.time.elapsed)
    cluster.run(span)
    assert ready(cluster)
    assert vault(cluster).current.certificate.not_after > cluster.time.now
    assert len(bundle.parse(cluster.bundle.history[-1][1])) <= 3


def test_no_log_line_and_no_value_in_it_shows_a_key() -> None:
    cluster = started()
    cluster.run(45 * DAY)
    key = vault(cluster).current.key.decode().splitlines()[1]
    shown = f"{cluster.notes.notes} {cluster.secret} {vault(cluster)}"
    assert "certificate-authority-loaded" in shown
    assert key not in shown
    assert "PRIVATE" not in shown


GARBAGE = [
    None,
    {},
    {"ca.crt": b"x", "ca.key": b"y"},
    {"ca.crt": b"", "ca.key": b"\xff\x00"},
    {"ca.crt": issue.authority(now=START, life=DAY).chain, "ca.key": b""},
    {
        "ca.crt": issue.authority(now=START, life=DAY).chain,
        "ca.key": issue.authority(now=START, life=DAY).key,
    },
]


def spoil(cluster: Cluster, data: dict[str, bytes] | None) -> None:
    cluster.secret.writes += 1
    stored = None if data is None else Stored(data, str(cluster.secret.writes))
    cluster.secret.stored = stored


@pytest.mark.parametrize("data", GARBAGE)
def test_a_spoiled_secret_is_restored_and_the_bundle_stays(data: dict[str, bytes] | None) -> None:
    cluster = started()
    before, published = vault(cluster), cluster.bundle.history[-1]
    spoil(cluster, data)
    cluster.run(4 * DAY)
    assert vault(cluster) == before
    assert cluster.bundle.history[-1] == published


@pytest.mark.parametrize("data", GARBAGE)
def test_if_nobody_remembers_a_new_ca_is_made_and_the_old_stays_published(
    data: dict[str, bytes] | None,
) -> None:
    cluster = started()
    old = vault(cluster).current
    spoil(cluster, data)
    cluster.kill(0)  # the other replica serves on, with a leaf of the old CA
    cluster.run(timedelta(seconds=1))
    assert vault(cluster).current != old
    assert old.certificate in bundle.parse(cluster.bundle.history[-1][1])
    cluster.run(10 * DAY)
    assert ready(cluster)
    new = vault(cluster).current.certificate
    for replica in cluster.replicas:
        verify(handshake(replica.rotation.tls), new.pem.encode(), cluster.time.now)


def test_a_garbled_next_ca_is_replaced_before_it_signs() -> None:
    cluster = started()
    cluster.run(20.5 * DAY)
    while vault(cluster).following is None:
        cluster.go(cluster.wake())
    present = vault(cluster)
    spoil(cluster, {**present.render(), "next-ca.key": b"garbage"})
    cluster.run(1 * DAY)
    cluster.run(3 * DAY)
    assert vault(cluster).current not in (present.current, present.following)
    assert ready(cluster)


def test_a_wiped_bundle_is_published_again_with_all_that_is_in_use() -> None:
    cluster = started()
    cluster.run(23 * DAY)
    assert len(vault(cluster).certificates) == 2
    asyncio.run(_wipe(cluster))
    cluster.run(3 * DAY)
    assert bundle.parse(cluster.bundle.history[-1][1]) == tuple(
        sorted(vault(cluster).certificates, key=lambda one: one.not_before)
    )
    assert ready(cluster)


def test_the_grace_begins_anew_when_the_bundle_was_wiped() -> None:
    """Nobody can know for how long the API server went by the wiped one."""
    cluster = started()
    cluster.run(20.5 * DAY)
    while vault(cluster).following is None:
        cluster.go(cluster.wake())
    finish(cluster)
    present = vault(cluster)
    cluster.time.pass_by(9 * 60)
    asyncio.run(_wipe(cluster))
    work(cluster)
    cluster.time.pass_by(9 * 60)
    work(cluster)
    assert vault(cluster) == present


async def _wipe(cluster: Cluster) -> None:
    """Empty the bundle, as `kubectl replace` with the chart's own manifest does."""
    inner = cluster.bundle.inner
    await inner.write(b"", version=inner.published.version)


AHEAD = [timedelta(hours=3), 25 * DAY, 400 * DAY]
BACK = [-timedelta(minutes=30), -timedelta(hours=3), -400 * DAY]


@pytest.mark.parametrize("jump", AHEAD + BACK, ids=str)
def test_after_a_jump_of_the_clock_every_certificate_fits_the_new_time(jump: timedelta) -> None:
    cluster = started()
    cluster.time.now += jump
    work(cluster)
    cluster.check()
    cluster.run(timedelta(hours=1))
    assert ready(cluster)
    cluster.run(10 * DAY)
    assert ready(cluster)


ACTION = st.one_of(
    st.tuples(st.just("go"), st.integers(0, 2)),
    st.tuples(st.just("go"), st.integers(0, 2)),
    st.tuples(st.just("kill"), st.integers(0, 2)),
    st.tuples(st.just("spoil"), st.integers(0, len(GARBAGE) - 1)),
    st.tuples(st.just("wait"), st.integers(0, 4)),
    st.tuples(st.just("calm"), st.sampled_from([1, 5, 20])),
)


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(
    actions=st.lists(ACTION, max_size=30),
    skews=st.tuples(*[st.integers(-1800, 1800)] * 3),
    seed=st.integers(0, 99),
)
def test_whoever_works_dies_or_sleeps_when_no_handshake_fails(
    actions: list[tuple[str, int]], skews: tuple[int, int, int], seed: int
) -> None:
    """Any interleaving of three replicas' store operations, with clocks half an hour apart."""
    cluster = Cluster(SHORT, replicas=3, seed=seed, skews=tuple(map(float, skews)))
    for action, number in actions:
        if action == "go":
            cluster.go(number)
        elif action == "kill":
            cluster.kill(number)
        elif action == "spoil":
            spoil(cluster, GARBAGE[number])
        elif action == "wait":
            cluster.time.pass_by(number)
        else:
            finish(cluster)
            cluster.run(number * DAY)
        cluster.check()
    finish(cluster)
    cluster.run(4 * DAY)
    assert ready(cluster)
    assert cluster.verified


def work(cluster: Cluster) -> None:
    """Let each replica make a step, now."""
    for index in range(len(cluster.replicas)):
        while not cluster.go(index):
            pass


def finish(cluster: Cluster) -> None:
    """End every step begun: an operation ends by its deadline, long before the day does."""
    for index, replica in enumerate(cluster.replicas):
        while replica.step:
            cluster.go(index)
            cluster.check()


def test_everything_lasts_as_long_as_decision_8_says() -> None:
    assert Lives() == Lives(
        authority=730 * DAY,
        leaf=7 * DAY,
        lag=timedelta(seconds=5),
        grace=timedelta(minutes=10),
        every=timedelta(minutes=1),
    )


def test_a_client_that_distrusts_hastens_a_step_once_in_five_seconds_at_most() -> None:
    """Any client can say so: it must not make the replica ask the API server without end."""
    cluster = Cluster(Lives(), replicas=1)
    rotation = cluster.replicas[0].rotation
    rotation._stepped = cluster.time.elapsed

    def noted() -> int:
        return len(cluster.notes.named("certificate-doubted"))

    for after, expected in ((4.9, 0), (0.1, 1), (60.0, 1)):
        cluster.time.pass_by(after)
        for _ in range(3):
            rotation.doubt()
        assert noted() == expected
