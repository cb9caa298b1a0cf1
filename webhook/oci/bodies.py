"""Answers' bodies: decoded and capped as they come in, and let go as soon as they are read."""

import zlib
from collections.abc import AsyncIterator, Callable

import httpcore
import httpx

from webhook.base import tenants
from webhook.base.budget import Budget
from webhook.core.errors import BadAnswer
from webhook.oci.failures import mapped

# Bytes of an answer, decoded. The distribution spec lets a registry refuse a manifest of more than
# 4 MiB; one of 500 layers, or an index of 500 platforms, has 0.1 MiB. A configuration holds an
# image's history and labels, a list of packages among them.
LARGEST = 1 << 20
LARGEST_CONFIGURATION = 4 << 20
IN_FLIGHT = 16 << 20  # of all answers that are being read
# The headers of an answer that are read, and how many of them may be kept while its body comes in.
# Its length and encoding are not among them: the body is kept decoded.
_READ = frozenset(
    {
        b"date", b"docker-content-digest", b"location", b"retry-after",
        b"www-authenticate",
    }
)  # fmt: skip
_MOST_HEADERS = 32


class Body(httpx.AsyncByteStream):
    """A response's body, decoded here so that the cap holds for what comes out."""

    def __init__(
        self,
        answer: httpcore.Response,
        host: str,
        *,
        largest: int,
        budget: Budget,
        done: Callable[[], None],
    ) -> None:
        """At most `largest` bytes are read; `done` is called once, when nothing more is."""
        self._answer: httpcore.Response | None = answer
        self._host = host
        self._largest = largest
        self._budget = budget
        self._done = done
        self._encoding = _encoding(answer)
        self._tenant = tenants.current()
        self._size = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        answer = self._answer
        if answer is None:
            return
        decode = _decoder(self._encoding, self._host)
        with mapped(self._host):
            async for chunk in answer.aiter_stream():
                plain = decode(chunk, self._largest - self._size + 1)
                self._count(len(plain))
                yield plain

    def _count(self, size: int) -> None:
        """Take room for some more bytes. Raises BadAnswer where there is none."""
        if self._size + size > self._largest:
            raise BadAnswer(f"{self._host} sent more than {self._largest:,} bytes")
        if not self._budget.take(self._tenant, size):
            raise BadAnswer(
                f"{self._host} sent too much, beside what is being read for the same namespace"
            )
        self._size += size

    async def aclose(self) -> None:
        """Give the connection back, or close it where bytes are left."""
        answer, self._answer = self._answer, None
        if answer is not None:
            try:
                await answer.aclose()
            finally:
                self._budget.give_back(self._tenant, self._size)
                self._done()


def headers(answer: httpcore.Response) -> list[tuple[bytes, bytes]]:
    """Give an answer's headers that are read, and let go of all others."""
    read = [each for each in answer.headers if each[0].lower() in _READ][:_MOST_HEADERS]
    answer.headers = []
    return read


def let_go(response: httpx.Response) -> None:
    """Break the cycle of response and stream, which would keep the body until the next collection.

    httpx's stream knows its response (`BoundAsyncStream`), and the response its stream.
    """
    response.stream = httpx.ByteStream(b"")


def _encoding(answer: httpcore.Response) -> bytes:
    named = (v.lower().strip() for k, v in answer.headers if k.lower() == b"content-encoding")
    return b",".join(named)


def _decoder(coding: bytes, host: str) -> Callable[[bytes, int], bytes]:
    """Give what decodes a chunk to at most so many bytes; identity was asked for."""
    if coding in (b"", b"identity"):
        return lambda chunk, _room: chunk
    if coding not in (b"gzip", b"x-gzip", b"deflate"):
        raise BadAnswer(f"{host} sent an encoding that was not asked for")
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def decode(chunk: bytes, room: int) -> bytes:
        try:
            return inflate.decompress(chunk, room)
        except zlib.error as error:
            raise BadAnswer(f"{host} sent compressed data that can't be read") from error

    return decode
