"""The bodies of requests: capped one by one and all together, and refused in words.

An answer takes the place of its request's body, for as long as the client takes to read it.

Nearly every pod fits into 64 KiB. A body up to that which has come whole takes no room: there are
no more of them than connections. What has come of others has a room that no large one can take, and
of which each peer leaves an eighth. Of the room for large ones no namespace gets more than half,
and no peer all of it.
"""

from collections.abc import Sequence

from starlette.types import Message, Receive, Scope

from webhook.base.budget import Budget
from webhook.server.asking import asking, peer_of

SMALL = 64 << 10
_SMALL_TOGETHER = 8 << 20
_LARGE_TOGETHER = 4  # times the largest
_LEAVES = 8  # a peer leaves this part of the room for small ones
_JSON = b"application/json"


class BodyRefused(Exception):
    """No body of a review. What is left of it is thrown away as it comes, for `receive_seconds`.

    To close at once would reset the connection under a client that still sends, and so often
    take the answer from it.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Bodies:
    """What all requests hold that are being answered, small and large apart."""

    def __init__(self, largest: int) -> None:
        """`largest` in bytes is the cap on one body."""
        self.largest = largest
        self._small_room = _SMALL_TOGETHER
        self._small: dict[str, int] = {}  # what each peer holds of it
        self._large = Budget(_LARGE_TOGETHER * largest)

    async def read(self, scope: Scope, receive: Receive) -> "Body":
        """Read a body, or raise BodyRefused; what it takes is given back by its `close`."""
        self._check_headers(scope)
        body = Body(self, scope)
        try:
            await body.read(receive)
        except BaseException:
            body.close()
            raise
        return body

    def _check_headers(self, scope: Scope) -> None:
        sent = dict(scope["headers"])
        encoding, size = sent.get(b"content-encoding"), sent.get(b"content-length")
        if encoding is not None and encoding.strip().lower() != b"identity":
            raise BodyRefused(400, "the body must not be compressed")
        if size is not None and int(size) > self.largest:  # digits: llhttp checks
            raise self.too_large()
        kind = sent.get(b"content-type", b"")
        if kind != _JSON and kind.partition(b";")[0].strip().lower() != _JSON:
            raise BodyRefused(400, "the content type must be application/json")

    def too_large(self) -> BodyRefused:
        """Say that a body is larger than one may be."""
        return BodyRefused(413, f"the body is larger than {self.largest} bytes")

    def take_small(self, size: int, peer: str) -> None:
        """Take of the room for small ones, of which a peer leaves some. Raises BodyRefused."""
        held = self._small.get(peer, 0)
        room = self._small_room + held
        if held + size > room - room // _LEAVES:
            raise BodyRefused(503, "too many requests at once: try again later")
        self._small_room -= size
        self._small[peer] = held + size

    def take_large(self, size: int, tenant: str) -> None:
        """Take of the room for large ones; who holds some already leaves as much to others."""
        if not self._large.take(tenant, size):
            raise BodyRefused(503, "too many large bodies at once: try again later")

    def give_back_small(self, size: int, peer: str) -> None:
        """Give back what a small body took."""
        self._small_room += size
        left = self._small.get(peer, 0) - size
        if left > 0:
            self._small[peer] = left
        else:
            self._small.pop(peer, None)

    def give_back_large(self, size: int, tenant: str) -> None:
        """Give back what a large body took."""
        self._large.give_back(tenant, size)


class Body:
    """The body of one request, and what it takes of the room."""

    __slots__ = ("_all", "_peer", "_size", "_tenant", "asking", "content")

    def __init__(self, everything: Bodies, scope: Scope) -> None:
        self._all = everything
        self._peer = peer_of(scope)
        self._tenant = ""  # whose share it takes, once it is a large one
        self._size = 0
        self.content = b""
        self.asking = ""  # for whom, once it has come

    async def read(self, receive: Receive) -> None:
        """Take in all of it. Raises BodyRefused."""
        message = await receive()
        whole = not message.get("more_body") and len(message.get("body", b"")) <= SMALL
        if whole and message["type"] == "http.request":
            self.content = message.get("body", b"")
        else:
            self.content = await self._put_together(message, receive)
        self.asking = self._tenant or asking(self._peer, self.content)

    async def _put_together(self, message: Message, receive: Receive) -> bytes:
        parts: list[bytes] = []
        while True:
            if message["type"] == "http.disconnect":
                raise BodyRefused(400, "the client went away")
            parts.append(message.get("body", b""))
            self._take(len(parts[-1]), parts)
            if not message.get("more_body"):
                return parts[0] if len(parts) == 1 else b"".join(parts)
            message = await receive()

    def give_way(self, size: int) -> None:
        """Let go of what was read, and take the room that its answer needs. Raises BodyRefused."""
        self.close()
        self.content = b""
        if size > SMALL:
            self._all.take_large(size, self.asking)
            self._size, self._tenant = size, self.asking

    def close(self) -> None:
        """Give its room back."""
        if not self._size:
            return
        if self._tenant:
            self._all.give_back_large(self._size, self._tenant)
        else:
            self._all.give_back_small(self._size, self._peer)
        self._size, self._tenant = 0, ""

    def _take(self, size: int, parts: Sequence[bytes]) -> None:
        grown = self._size + size
        if grown > self._all.largest:
            raise self._all.too_large()
        if self._tenant:
            self._all.take_large(size, self._tenant)
        elif grown <= SMALL:
            self._all.take_small(size, self._peer)
        else:
            tenant = asking(self._peer, b"".join(parts))
            self._all.take_large(grown, tenant)
            self._all.give_back_small(self._size, self._peer)
            self._tenant = tenant
        self._size = grown
