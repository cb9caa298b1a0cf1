"""Who makes room: the source with more than its share, and there the stranger, then the idle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.server.eviction import Peer, Peers, Phase, source_of

NOW = 100.0
API, POD = "10.0.0.1", "10.1.0.7"


class Port:
    """A full port: connections with a source, a phase, and seconds since they did anything."""

    def __init__(self) -> None:
        self.peers = Peers()

    def add(
        self,
        source: str,
        phase: Phase = Phase.IDLE,
        *,
        reviewed: bool = False,
        ago: float = 10.0,
        count: int = 1,
    ) -> list[Peer]:
        made = [Peer(source, NOW - ago, phase=lambda: phase) for _ in range(count)]
        for each in made:
            self.peers.add(each)
            self.peers.use(each, NOW - ago, review=reviewed)
        return made

    def evict(self, source: str) -> Peer | None:
        return self.peers.evict(source, NOW)


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ("fe80::1%eth0", "fe80::"),
        ("/run/socket", ""),
    ],
)
def test_a_source_is_an_address_or_of_ipv6_a_64(address: str, source: str) -> None:
    assert source_of(address) == source


def test_a_peer_that_has_all_makes_room_for_the_api_server_whatever_it_does() -> None:
    for phase in Phase:
        for reviewed in (False, True):
            port = Port()
            port.add(POD, phase, reviewed=reviewed, ago=0.0, count=16)
            goes = port.evict(API)
            assert goes is not None
            assert goes.source == POD


def test_a_peer_that_has_all_never_takes_from_who_has_less() -> None:
    for phase in Phase:
        port = Port()
        port.add(API, reviewed=True, count=3)
        port.add(API, Phase.RECEIVING, ago=0.5)
        port.add(POD, phase, reviewed=True, ago=0.0, count=12)
        goes = port.evict(POD)
        assert goes is None or goes.source == POD


def test_the_least_recently_used_goes_first() -> None:
    port = Port()
    first, second = port.add(API, reviewed=True, count=2)
    port.peers.use(first, NOW)
    assert port.evict(API) is second


def test_of_sources_with_one_connection_the_least_recently_used_goes_first() -> None:
    port = Port()
    (first,), (second,) = port.add(API, reviewed=True), port.add(POD, reviewed=True)
    port.peers.use(first, NOW)
    assert port.evict(POD) is second


def test_a_connection_of_a_source_that_has_others_is_used_once_and_counted_once() -> None:
    port = Port()
    first, second = port.add(API, count=2)
    port.peers.use(first, NOW, review=True)
    port.peers.use(first, NOW)
    assert len(port.peers) == 2
    assert port.evict(POD) is second  # a stranger still
    assert port.peers.remove(first)
    port.peers.use(first, NOW)
    assert len(port.peers) == 0


def test_a_stranger_goes_before_the_idle_and_what_is_answered_does_not_go() -> None:
    port = Port()
    port.add(API, Phase.ANSWERING, reviewed=True)
    (idle,) = port.add(API, reviewed=True)
    (stranger,) = port.add(API, ago=1.0)
    assert port.evict(API) is stranger
    assert port.evict(API) is idle
    assert port.evict(API) is None


def test_of_the_newcomers_own_a_slow_sender_makes_room_and_a_quick_one_does_not() -> None:
    port = Port()
    port.add(API, Phase.RECEIVING, reviewed=True, ago=0.9)
    assert port.evict(API) is None
    (slow,) = port.add(API, Phase.RECEIVING, reviewed=True, ago=1.1)
    assert port.evict(API) is slow


def test_a_silent_stranger_below_its_share_makes_room_after_a_second() -> None:
    port = Port()
    port.add(API, Phase.ANSWERING, reviewed=True, count=12)
    port.add(POD, ago=0.9)
    assert port.evict(API) is None
    (silent,) = port.add(POD, ago=1.1)
    assert port.evict(API) is silent


def test_a_connection_is_forgotten_once_and_its_later_use_is_none() -> None:
    port = Port()
    (peer,) = port.add(API)
    assert port.evict(POD) is peer
    port.peers.use(peer, NOW, review=True)
    assert not port.peers.remove(peer)
    assert len(port.peers) == 0


SOURCES = st.sampled_from([API, POD, "10.2.0.1"])
CONNECTIONS = st.tuples(SOURCES, st.sampled_from(list(Phase)), st.booleans(), st.floats(0, 20))


@given(st.lists(CONNECTIONS, min_size=1, max_size=24), SOURCES)
def test_nobody_at_work_below_the_share_ever_goes(
    connections: list[tuple[str, Phase, bool, float]], newcomer: str
) -> None:
    port = Port()
    for source, phase, reviewed, ago in connections:
        port.add(source, phase, reviewed=reviewed, ago=ago)
    counts = {each: sum(it[0] == each for it in connections) for each in (API, POD, "10.2.0.1")}
    share = len(connections) / len({newcomer, *(it[0] for it in connections)})
    goes = port.evict(newcomer)
    assert len(port.peers) == len(connections) - (goes is not None)
    if goes and goes.reviewed:
        heavier = counts[goes.source] > counts[newcomer] + 1
        assert counts[goes.source] >= share or heavier
    if goes is None:
        assert all(count <= counts[newcomer] + 1 for count in counts.values())


def test_a_new_connection_of_whom_reviews_come_is_kept_beside_many_who_send_none() -> None:
    port = Port()
    port.add(API, reviewed=True, ago=30.0, count=40)
    (new,) = port.add(API, Phase.RECEIVING, ago=0.0)
    for number in range(300):
        port.add(f"10.2.0.{number % 100}", ago=0.0)
    for number in range(200):
        goes = port.evict(f"10.2.0.{number % 100}")
        assert goes is not None
        assert goes is not new
        assert goes.source != API
        port.add(f"10.2.0.{number % 100}", ago=0.0)
