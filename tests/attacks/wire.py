"""HTTP from an address of one's own: all of 127.0.0.0/8 is this machine, so each peer has one."""

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

API_SERVER, STRANGER, KUBELET = "127.0.0.2", "127.0.0.3", "127.0.0.4"
SILENT = ".silent.example"  # names whose own server says nothing
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Peer:
    """Calls a port as one peer does: kept connections in a pool, the last used first, no retry."""

    port: int
    tls: ssl.SSLContext | None
    source: str
    pool: list[Streams] = field(default_factory=list)

    async def open(self) -> Streams:
        """Open a connection."""
        return await asyncio.open_connection(
            "127.0.0.1",
            self.port,
            ssl=self.tls,
            server_hostname="127.0.0.1" if self.tls else None,
            local_addr=(self.source, 0),
        )

    async def call(self, request: bytes, *, seconds: float = 10.0) -> tuple[int, bytes]:
        """Send a request and give status and body; OSError, TimeoutError where there are none."""
        async with asyncio.timeout(seconds):
            streams = self._kept() or await self.open()
            try:
                streams[1].write(request)
                status, keep, body = await _response(streams[0])
            except BaseException:
                streams[1].transport.abort()
                raise
            if keep:
                self.pool.append(streams)
            else:
                streams[1].close()
            return status, body

    def close(self) -> None:
        """Let go of all."""
        for _, writer in self.pool:
            writer.transport.abort()

    def _kept(self) -> Streams | None:
        while self.pool:
            reader, writer = self.pool.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
        return None


async def _response(reader: asyncio.StreamReader) -> tuple[int, bool, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").lower().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines if line)
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return int(first.split()[1]), headers.get("connection") != "close", body


def post(body: bytes, *, length: int | None = None, headers: Sequence[str] = ()) -> bytes:
    """Write a review's request; `length` claims another one than the body has."""
    claimed = len(body) if length is None else length
    lines = [
        "POST /mutate?timeout=10s HTTP/1.1",
        "Host: initshim.initshim.svc",
        "Content-Type: application/json",
        f"Content-Length: {claimed}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def get(path: str) -> bytes:
    """Write a GET."""
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


async def hold(writer: asyncio.StreamWriter) -> None:
    """Drop a connection without a farewell."""
    with suppress(OSError):
        writer.transport.abort()
