"""uvicorn as a part of a program instead of its owner."""

import asyncio
import contextlib
import math
import socket
import ssl
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from webhook.server.connections import Acceptor, ConnectionLimits
from webhook.server.protocol import PatientProtocol, patient


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
