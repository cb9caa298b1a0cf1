"""Which connection makes room for a new one: a share for each source, least recently used first.

A source is a peer's address; of IPv6 the /64, for that is what one machine has. Who has more than
an even share of the connections gives one up before anybody else does, and of those one that is
idle before one that is at work. So a peer that takes all that it can get takes it from itself.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from ipaddress import IPv6Address, ip_address

_HOST_BITS = 64  # of an IPv6 address: the machine's own to choose
# Seconds that others' connections are left alone: the API server connects, then sends.
_GRACE = 1.0
_SEVERAL = 3  # new connections without a review; an API server sends one on each that it opens


class Phase(Enum):
    """What a connection is doing."""

    IDLE = auto()  # it waits for a request
    RECEIVING = auto()  # a handshake, or a request that has not come whole
    ANSWERING = auto()  # a request is being answered


@dataclass(slots=True, eq=False)
class Peer:
    """A connection, as far as it matters to who goes first; `used` is when it last did anything."""

    source: str
    used: float
    reviewed: bool = False
    phase: Callable[[], Phase] = lambda: Phase.RECEIVING


@dataclass(slots=True)
class _Source:
    """The connections of one source: those that never sent a review, and those that did."""

    strangers: dict[Peer, None] = field(default_factory=dict)  # the least recently used first
    known: dict[Peer, None] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.strangers) + len(self.known)

    def those_of(self, peer: Peer) -> dict[Peer, None]:
        """Give where a connection stands, if it is one of these."""
        return self.known if peer.reviewed else self.strangers


class Peers:
    """All connections of a port, and which of them goes first."""

    def __init__(self) -> None:
        self._sources: dict[str, _Source] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, peer: Peer) -> None:
        """Count a new connection."""
        self._sources.setdefault(peer.source, _Source()).strangers[peer] = None
        self._count += 1

    def use(self, peer: Peer, now: float, *, review: bool = False) -> None:
        """Note that a connection did something; `review`: it has sent one."""
        source = self._sources.get(peer.source)
        if source is None or peer not in (at := source.those_of(peer)):
            return
        del at[peer]
        peer.used, peer.reviewed = now, peer.reviewed or review
        source.those_of(peer)[peer] = None
        if len(source) == 1:  # behind other sources that have as few
            self._sources[peer.source] = self._sources.pop(peer.source)

    def remove(self, peer: Peer) -> bool:
        """Forget a connection; False where there is none."""
        source = self._sources.get(peer.source)
        if source is None or peer not in (at := source.those_of(peer)):
            return False
        del at[peer]
        self._count -= 1
        if not source:
            del self._sources[peer.source]
        return True

    def evict(self, source: str, now: float) -> Peer | None:
        """Forget and give the connection that makes room for one from `source`; None: nobody does.

        In this order: of sources with an even share or more, a stranger, then what is idle or has
        sent for more than a second; of anybody, a stranger that has said nothing for a second; of
        a source with more than the newcomer's will have, whatever it does.
        """
        goes = next(self._candidates(source, now), None)
        if goes:
            self.remove(goes)
        return goes

    def _candidates(self, source: str, now: float) -> Iterator[Peer]:
        sources = sorted(self._sources.items(), key=lambda item: -len(item[1]))
        share = self._count / len({*self._sources, source})
        heavy = [each for _, each in sources if len(each) >= share]
        yield from self._strangers(share)
        for each in heavy:
            yield from (peer for peer in each.known if _is_spare(peer, now))
        for _, each in sources:
            silent = (peer for peer in each.strangers if now - peer.used > _GRACE)
            yield from (peer for peer in silent if _is_spare(peer, now))
        own = len(self._sources.get(source, _Source()))
        for _, each in sources:
            if len(each) > own + 1:
                yield from each.strangers
                yield from each.known

    def _strangers(self, share: float) -> Iterator[Peer]:
        """Give strangers of sources with an even share of all or with several, none of theirs few.

        The API server may have most connections of all, and one of them new, which is to bring a
        review: it goes after those of sources that never sent one.
        """
        having = [each for each in self._sources.values() if each.strangers]
        average = sum(len(each.strangers) for each in having) / max(1, len(having))
        for each in sorted(having, key=lambda each: (bool(each.known), -len(each.strangers))):
            many = len(each) >= share or len(each.strangers) >= _SEVERAL
            if many and len(each.strangers) >= average:
                yield from each.strangers


def _is_spare(peer: Peer, now: float) -> bool:
    """Tell whether no answer is lost with it: it is idle, or slow to send."""
    phase = peer.phase()
    return phase is Phase.IDLE or (phase is Phase.RECEIVING and now - peer.used > _GRACE)


def source_of(address: str) -> str:
    """Give the source of an address: itself for IPv4, its /64 for IPv6, "" for what is none."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> _HOST_BITS << _HOST_BITS))
