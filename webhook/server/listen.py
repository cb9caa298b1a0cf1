"""Sockets to listen on, and uvicorn as a part of a program instead of its owner."""

import asyncio
import contextlib
import math
import socket
import ssl
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from webhook.core.errors import BadSettings
from webhook.server.connections import Acceptor, ConnectionLimits
from webhook.server.protocol import PatientProtocol, patient

_BACKLOG = 2048
# Of the kernel's buffers for a connection, each way; it would let them grow to megabytes, which are
# the container's memory, too. And as much as has come at once is what uvloop and OpenSSL keep room
# for until the connection ends: 512 KiB of each.
_BUFFERED = 64 << 10


class Server(uvicorn.Server):
    """uvicorn behind our own acceptor, and without its signal handlers: run.py stops it."""

    def __init__(self, config: uvicorn.Config, limits: ConnectionLimits) -> None:
        super().__init__(config)
        self.accepting = asyncio.Event()
        self._limits = limits

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await self.lifespan.startup()
        acceptors = [
            Acceptor(each, self._protocol, tls=self.config.ssl, limits=self._limits)
            for each in sockets or []
        ]
        for acceptor in acceptors:
            acceptor.open()
        self.servers = acceptors  # type: ignore[assignment]  # uvicorn closes them, and no more
        self.started = True
        self.accepting.set()

    def _protocol(self) -> PatientProtocol:
        made: PatientProtocol = self.config.http_protocol_class(  # type: ignore[call-arg, assignment]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket; for no host on every address, IPv6 and IPv4.

    Raises BadSettings that names the address where it can't be had.
    """
    try:
        return _narrowed(_listening(host, port))
    except OSError as error:
        # socket.create_server repeats the address in its own words.
        why = (error.strerror or str(error)).partition(" (while attempting")[0]
        raise BadSettings(
            f"can't listen on {host or 'any address'}, port {port}: {why}",
            next_step="Choose another host or port, or stop whoever has this one.",
        ) from error


def _listening(host: str, port: int) -> socket.socket:
    if not host and socket.has_dualstack_ipv6():
        return socket.create_server(
            ("", port), family=socket.AF_INET6, backlog=_BACKLOG, dualstack_ipv6=True
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


def _narrowed(listener: socket.socket) -> socket.socket:
    """Cap the buffers of the connections that it accepts: they take after it."""
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        listener.setsockopt(socket.SOL_SOCKET, option, _BUFFERED)
    return listener


def server(
    app: ASGIApp,
    *,
    keep_alive_seconds: float,
    receive_seconds: float,
    tls: ssl.SSLContext | None = None,
    close_seconds: float = 5.0,
    limits: ConnectionLimits | None = None,
) -> Server:
    """Make a server for the application; HTTP/1.1, as the API server speaks it.

    `close_seconds` is how long requests that are being answered have when the server ends.
    """
    config = uvicorn.Config(
        app,
        http=patient(receive_seconds),
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",  # a bug of ours is worth a line; a broken request is not
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=math.ceil(keep_alive_seconds),  # 0 would close at once
        timeout_graceful_shutdown=math.ceil(close_seconds),
        ssl_context_factory=(lambda *_: tls) if tls else None,
    )
    return Server(config, limits or ConnectionLimits())
