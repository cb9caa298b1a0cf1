"""A TCP proxy that does to connections what networks do: delay, reset, silence, cut."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

Fault = Literal["none", "latency", "reset", "half-open", "truncated", "refused", "429", "503"]


@dataclass(slots=True)
class Proxy:
    """A running proxy."""

    target: tuple[str, int]
    fault: Fault = "none"
    seconds: float = 0.05  # of latency
    keep: int = 200  # bytes of the answer that pass before it is truncated
    authority: str = ""
    connections: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    def become(self, fault: Fault) -> None:
        """Change the fault, for connections that are open as well."""
        self.fault = fault
        for writer in tuple(self.open):
            writer.transport.abort()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Treat one client."""
        self.connections += 1
        self.open.add(writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._treat(reader, writer)
        finally:
            self.open.discard(writer)
            writer.close()

    async def _treat(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.fault == "reset":
            _reset(writer)
            return
        if self.fault == "half-open":
            while await reader.read(65536):  # reads, so that it sees the client leave
                pass
            return
        if self.fault in ("429", "503"):
            await reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 {self.fault} X\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n"
            writer.write(head.encode())
            await writer.drain()
            return
        far_reader, far_writer = await asyncio.open_connection(*self.target)
        try:
            there = asyncio.create_task(self._pump(reader, far_writer, None))
            back = self._pump(far_reader, writer, self.keep if self.fault == "truncated" else None)
            await back
            there.cancel()
        finally:
            far_writer.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int | None
    ) -> None:
        passed = 0
        while chunk := await reader.read(65536):
            if self.fault == "latency":
                await asyncio.sleep(self.seconds)
            if most is not None and passed + len(chunk) > most:
                writer.write(chunk[: most - passed])
                await writer.drain()
                return
            passed += len(chunk)
            writer.write(chunk)
            await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST: SO_LINGER with a time of zero."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def through(authority: str, fault: Fault = "none") -> AsyncIterator[Proxy]:
    """Run a proxy in front of a host."""
    host, _, port = authority.rpartition(":")
    proxy = Proxy((host, int(port)), fault)
    server = await asyncio.start_server(proxy.connected, "127.0.0.1", 0)
    proxy.authority = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    if fault == "refused":
        server.close()
        await server.wait_closed()
    try:
        yield proxy
    finally:
        server.close()
        for writer in tuple(proxy.open):
            writer.transport.abort()
        await asyncio.sleep(0)
