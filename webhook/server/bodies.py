"""The bodies of requests: capped one by one and all together, and refused in words."""

from types import TracebackType
from typing import Self

from fastapi import Request, Response

_TOGETHER = 4


class Bodies:
    """What all requests that are being answered hold: at most four times what one may."""

    def __init__(self, largest: int) -> None:
        """`largest` in bytes is the cap on one body."""
        self.largest = largest
        self.room = _TOGETHER * largest

    def one(self) -> "Body":
        """Give a place for the body of one request, in a `with` block until it is answered."""
        return Body(self)


class Body:
    """The body of one request; what it took of the room is given back with it."""

    __slots__ = ("_all", "_size")

    def __init__(self, everything: Bodies) -> None:
        self._all = everything
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._all.room += self._size

    async def read(self, request: Request) -> bytes | Response:
        """Read it, or refuse what can't be a review before it costs memory.

        Raises starlette's ClientDisconnect where the client goes away in the middle.
        """
        headers = dict(request.headers.raw)
        if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
            return refusal(400, "the body must not be compressed")
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if kind != b"application/json":
            return refusal(400, "the content type must be application/json")
        largest = self._all.largest
        too_large = f"the body is larger than {largest} bytes"
        if int(headers.get(b"content-length", b"0")) > largest:  # digits: llhttp has checked it
            return refusal(413, too_large)
        received = bytearray()
        async for chunk in request.stream():
            if len(received) + len(chunk) > largest:
                return refusal(413, too_large)
            if len(chunk) > self._all.room:
                return refusal(503, "too many large bodies at once: try again later")
            self._all.room -= len(chunk)
            self._size += len(chunk)
            received += chunk
        return bytes(received)


def refusal(status: int, sentence: str) -> Response:
    """Say no. What is left of the body is thrown away as it comes, for `receive_seconds`.

    To close at once would reset the connection under a client that still sends, and so often
    take the answer from it.
    """
    return Response(f"{sentence}\n", status, media_type="text/plain")
