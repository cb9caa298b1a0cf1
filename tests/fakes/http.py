"""An HTTP/1.1 server on a real socket whose answers a test writes, byte by byte if it must."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {key: values[-1] for key, values in parse_qs(urlsplit(self.target).query).items()}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server sends; a stream is sent in chunks, `raw` as it is, and what streams after."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | AsyncIterator[bytes] = b""
    raw: bytes | None = None


Handler = Callable[[Request], Awaitable[Answer]]


@dataclass(slots=True)
class Host:
    """A running server; `requests` in the order in which they came."""

    authority: str
    scheme: str
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    busy: int = 0
    busiest: int = 0

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}"

    def seen(self, method: str = "GET", part: str = "") -> list[Request]:
        return [each for each in self.requests if each.method == method and part in each.target]


@asynccontextmanager
async def serve(handler: Handler, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Host]:
    """Run a server on a free port of 127.0.0.1."""
    host = Host("", "https" if tls else "http")
    writers: set[asyncio.StreamWriter] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host.connections += 1
        writers.add(writer)
        ends = (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError)
        # Cancelled at the loop's end: asyncio's streams would print each task that says so.
        with suppress(*ends, asyncio.CancelledError):
            while await _exchange(reader, writer, host, handler):
                pass
        writers.discard(writer)
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls, limit=1 << 20)
    port = server.sockets[0].getsockname()[1]
    host.authority = f"127.0.0.1:{port}"
    try:
        yield host
    finally:
        server.close()
        for writer in tuple(writers):
            writer.transport.abort()
        await asyncio.sleep(0)


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: Host, handler: Handler
) -> bool:
    start = await reader.readexactly(1)
    if start == b"\x16":  # a TLS handshake: answered as web servers do
        writer.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
        return False
    head = start + await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.split(":", 1) for line in lines)
    headers = {name.lower(): value.strip() for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    request = Request(method, target, headers, body)
    host.requests.append(request)
    host.busy += 1
    host.busiest = max(host.busiest, host.busy)
    try:
        answer = await handler(request)
        return await _send(writer, request, answer)
    finally:
        host.busy -= 1


async def _send(writer: asyncio.StreamWriter, request: Request, answer: Answer) -> bool:
    if answer.raw is not None:
        writer.write(answer.raw)
        await writer.drain()
        if not isinstance(answer.body, bytes):
            async for chunk in answer.body:
                writer.write(chunk)
                await writer.drain()
        return False
    streamed = not isinstance(answer.body, bytes)
    headers = dict(answer.headers)
    if streamed:
        headers["Transfer-Encoding"] = "chunked"
    elif isinstance(answer.body, bytes):
        headers.setdefault("Content-Length", str(len(answer.body)))
    lines = [f"HTTP/1.1 {answer.status} X", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
    writer.write("\r\n".join(lines).encode("latin-1"))
    if request.method != "HEAD":
        if isinstance(answer.body, bytes):
            writer.write(answer.body)
        else:
            async for chunk in answer.body:
                writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                await writer.drain()
            writer.write(b"0\r\n\r\n")
    await writer.drain()
    return headers.get("Connection", "").lower() != "close"
