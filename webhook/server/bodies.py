"""The bodies of requests: capped one by one and all together, and refused in words.

An answer takes the place of its request's body, for as long as the client takes to read it.

Nearly every pod fits into 64 KiB. Bodies up to that have a room that no large one can take; of the
room for large ones nobody gets more than half of what is left, so that there always is some.
"""

from collections import Counter

from starlette.types import Receive, Scope

from webhook.server.eviction import source_of

SMALL = 64 << 10
_SMALL_TOGETHER = 4 << 20
_LARGE_TOGETHER = 4  # times the largest
_JSON = b"application/json"


class Refused(Exception):
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
        self._large_room = _LARGE_TOGETHER * largest
        self._held: Counter[str] = Counter()

    async def read(self, scope: Scope, receive: Receive) -> "Body":
        """Read a body, or raise Refused; what it takes is given back by its `close`."""
        self._check_headers(scope)
        body = Body(self, scope)
        try:
            await body.read(receive)
        except BaseException:
            body.close()
            raise
        return body

    def _check_headers(self, scope: Scope) -> None:
        kind = b""
        for name, value in scope["headers"]:
            if name == b"content-type":
                kind = value
            elif name == b"content-encoding" and value.strip().lower() != b"identity":
                raise Refused(400, "the body must not be compressed")
            elif name == b"content-length" and int(value) > self.largest:  # digits: llhttp checks
                raise self.too_large()
        if kind != _JSON and kind.partition(b";")[0].strip().lower() != _JSON:
            raise Refused(400, "the content type must be application/json")

    def too_large(self) -> Refused:
        """Say that a body is larger than one may be."""
        return Refused(413, f"the body is larger than {self.largest} bytes")

    def take_small(self, size: int) -> None:
        """Take of the room for small ones. Raises Refused."""
        if size > self._small_room:
            raise Refused(503, "too many requests at once: try again later")
        self._small_room -= size

    def take_large(self, size: int, source: str) -> None:
        """Take of the room for large ones; who holds some already leaves as much to others."""
        if size > self._large_room - self._held[source]:
            raise Refused(503, "too many large bodies at once: try again later")
        self._large_room -= size
        self._held[source] += size

    def give_back(self, size: int, source: str) -> None:
        """Give back what a body took."""
        if not source:
            self._small_room += size
            return
        self._large_room += size
        self._held[source] -= size
        if not self._held[source]:
            del self._held[source]


class Body:
    """The body of one request, and what it takes of the room."""

    __slots__ = ("_all", "_peer", "_size", "_source", "content")

    def __init__(self, everything: Bodies, scope: Scope) -> None:
        self._all = everything
        self._peer = scope.get("client")
        self._source = ""  # whose share it takes, once it is a large one
        self._size = 0
        self.content = b""

    async def read(self, receive: Receive) -> None:
        """Take in all of it. Raises Refused."""
        parts: list[bytes] = []
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refused(400, "the client went away")
            chunk = message.get("body", b"")
            self._take(len(chunk))
            parts.append(chunk)
            more = message.get("more_body", False)
        self.content = parts[0] if len(parts) == 1 else b"".join(parts)

    def give_way(self, size: int) -> None:
        """Let go of what was read, and take as much room as its answer needs. Raises Refused."""
        self.close()
        self.content = b""
        if size <= SMALL:
            self._all.take_small(size)
        else:
            source = self._whose()
            self._all.take_large(size, source)
            self._source = source
        self._size = size

    def close(self) -> None:
        """Give its room back."""
        self._all.give_back(self._size, self._source)
        self._size, self._source = 0, ""

    def _whose(self) -> str:
        return (source_of(self._peer[0]) if self._peer else "") or "unknown"

    def _take(self, size: int) -> None:
        grown = self._size + size
        if grown > self._all.largest:
            raise self._all.too_large()
        if self._source:
            self._all.take_large(size, self._source)
        elif grown <= SMALL:
            self._all.take_small(size)
        else:
            source = self._whose()
            self._all.take_large(grown, source)
            self._all.give_back(self._size, "")
            self._source = source
        self._size = grown
