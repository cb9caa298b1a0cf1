"""Connections before TLS: who is let in, how many at once, how long a handshake may take.

asyncio gives a handshake 60 s and never counts connections. One of uvloop's costs some 60 KiB
from its first byte on, so a few thousand clients that say nothing would take the memory of a pod.
"""

import asyncio
import resource
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from webhook.server.eviction import Peer, Peers, Phase, source_of
from webhook.server.protocol import PatientProtocol

_SPARE = 164  # descriptors for everything else: probes, registries, the API server, files
# What a client says when it can't verify a certificate (RFC 8446, 6.2), in OpenSSL's words.
_DISTRUST = ("BAD_CERTIFICATE", "UNKNOWN_CA", "CERTIFICATE_UNKNOWN", "CERTIFICATE_EXPIRED")
# What OpenSSL says of a client that was asked for a certificate.
_UNKNOWN = ("PEER_DID_NOT_RETURN_A_CERTIFICATE", "CERTIFICATE_VERIFY_FAILED")
_AT_ONCE = 256  # connections that are accepted before anything else is done
_PAUSE = 0.05  # seconds; accept() can't do anything before somebody closes something


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Most connections, seconds for a handshake; `dropped` hears why one was cut."""

    connections: int = 512
    handshake_seconds: float = 10.0
    dropped: Callable[[str], None] = lambda _: None


class Acceptor:
    """Accepts connections for uvicorn, in the place of asyncio's own server.

    When there is no room, one makes way (see eviction.py), or who comes is turned away at once:
    the API server waits for an answer and not for a queue.
    """

    def __init__(
        self,
        listener: socket.socket,
        make: Callable[[], PatientProtocol],
        *,
        tls: ssl.SSLContext | None,
        limits: ConnectionLimits,
    ) -> None:
        self._listener = listener
        self._make = make
        self._tls = tls
        self._limits = limits
        self._most = min(limits.connections, _descriptors())
        self._peers = Peers()
        self._connections: dict[Peer, socket.socket] = {}
        self._handshakes: set[asyncio.Task[None]] = set()
        self._accepting: list[asyncio.Task[None]] = []

    def open(self) -> None:
        """Begin to accept."""
        self._listener.setblocking(False)
        self._accepting.append(asyncio.get_running_loop().create_task(self._accept()))

    def close(self) -> None:
        """Accept nobody else, and let go who is still shaking hands."""
        for task in (*self._accepting, *self._handshakes):
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until nobody is accepted any more."""
        await asyncio.gather(*self._accepting, return_exceptions=True)

    async def _accept(self) -> None:
        """Take all that wait at once: who is turned away then costs little, and holds up nobody."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                first = await loop.sock_accept(self._listener)
            except OSError:  # the process or the machine is out of descriptors or memory
                self._make_room("", "descriptors")
                await asyncio.sleep(_PAUSE)
                continue
            for peer, connection in [self._let_in(*each) for each in (first, *self._waiting())]:
                if peer in self._connections:
                    self._begin(peer, connection)
                else:
                    connection.close()  # there was no room, or it made room for one behind it

    def _waiting(self) -> Iterator[tuple[socket.socket, Any]]:
        """Give connections that wait to be accepted, so many at most."""
        with suppress(OSError):  # there is no other, or no descriptor for it
            for _ in range(_AT_ONCE):
                yield self._listener.accept()

    def _let_in(self, connection: socket.socket, address: Any) -> tuple[Peer, socket.socket]:
        now = asyncio.get_running_loop().time()
        peer = Peer(source_of(str(address[0])), now)
        if len(self._peers) < self._most or self._make_room(peer.source, "full"):
            self._peers.add(peer)
            self._connections[peer] = connection
        return peer, connection

    def _begin(self, peer: Peer, connection: socket.socket) -> None:
        connection.setblocking(False)
        handshake = asyncio.get_running_loop().create_task(self._shake_hands(connection, peer))
        self._handshakes.add(handshake)
        handshake.add_done_callback(self._handshakes.discard)

    async def _shake_hands(self, connection: socket.socket, peer: Peer) -> None:
        """Shake hands; a protocol that got a connection says what becomes of it."""
        loop = asyncio.get_running_loop()

        def make() -> PatientProtocol:
            protocol = self._make()
            protocol.used = lambda review: self._peers.use(peer, loop.time(), review=review)
            protocol.gone = lambda: self._forget(peer)
            peer.phase = protocol.phase
            return protocol

        seconds = self._limits.handshake_seconds if self._tls else None
        try:
            await loop.connect_accepted_socket(
                make, connection, ssl=self._tls, ssl_handshake_timeout=seconds
            )
        except OSError as error:  # no TLS, no common version, too slow, or gone
            self._forget(peer)
            reason = (error.reason or "") if isinstance(error, ssl.SSLError) else ""
            if reason.endswith(_DISTRUST):
                self._limits.dropped("distrusted")
            elif reason in _UNKNOWN:
                self._limits.dropped("unknown")
        except asyncio.CancelledError:
            _cut(connection)
            raise

    def _forget(self, peer: Peer) -> None:
        self._peers.remove(peer)
        peer.phase = _silent  # uvloop keeps what made the protocol, and that keeps the peer
        self._connections.pop(peer, None)

    def _make_room(self, source: str, why: str) -> bool:
        """Cut off whoever has to go for a connection from `source`, if anybody has to."""
        self._limits.dropped(why)
        peer = self._peers.evict(source, asyncio.get_running_loop().time())
        if peer:
            _cut(self._connections.pop(peer))
        return peer is not None


def _silent() -> Phase:
    return Phase.IDLE


def _cut(connection: socket.socket) -> None:
    """End a connection below its transport, which then sees its end as if the client had left."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _descriptors() -> int:
    """Give how many connections the process has descriptors for."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, soft - _SPARE) if soft != resource.RLIM_INFINITY else 1 << 30
