"""The webhook in this process, on real sockets: `run.serve` in a thread of its own."""

import asyncio
import io
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Queue
from typing import Any

import uvloop

from webhook.server.log_lines import Log
from webhook.server.run import Running, serve
from webhook.settings import Settings

PATIENCE = 20.0  # seconds until a wait that should end counts as one that does not


@dataclass
class Webhook:
    """A webhook that serves until `stop`."""

    port: int
    http_port: int
    tls: ssl.SSLContext
    bundle: str
    written: io.StringIO
    loop: asyncio.AbstractEventLoop
    stopping: asyncio.Event
    thread: threading.Thread

    def connect(self, *, plain: bool = False, tls: ssl.SSLContext | None = None) -> socket.socket:
        """Open a connection as a client that verifies."""
        port = self.http_port if plain else self.port
        raw = socket.create_connection(("localhost", port), timeout=PATIENCE)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return raw if plain else (tls or self.tls).wrap_socket(raw, server_hostname="localhost")

    def stop(self) -> None:
        """Begin the drain, as SIGTERM does."""
        self.loop.call_soon_threadsafe(self.stopping.set)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What was logged."""
        return [json.loads(line) for line in self.written.getvalue().splitlines()]


@contextmanager
def webhook(**settings: Any) -> Iterator[Webhook]:
    """Serve with a certificate for this run, and stop at the end."""
    given = {"tls": "dev", "host": "localhost", "port": 0, "http_port": 0, "drain_seconds": 0}
    chosen = Settings(**{**given, **settings})
    started: Queue[Webhook | BaseException] = Queue()
    written = io.StringIO()

    async def run() -> None:
        stopping = asyncio.Event()

        def announce(running: Running) -> None:
            bundle = running.certificates.state.bundle.decode()
            client = ssl.create_default_context(cadata=bundle)
            where = (running.port, running.http_port, client, bundle, written)
            started.put(Webhook(*where, asyncio.get_running_loop(), stopping, thread))

        log = Log(chosen.log_level, "json", written)
        await serve(chosen, version="1.0", log=log, stop=stopping, announce=announce)

    def work() -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(run())
        except BaseException as error:  # noqa: BLE001  # raised again below
            started.put(error)

    thread = threading.Thread(target=work)
    thread.start()
    served = started.get(timeout=PATIENCE)
    if isinstance(served, BaseException):
        raise served
    try:
        yield served
    finally:
        served.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive(), "the webhook does not end"
        assert started.empty(), started.get()


def request(
    content: bytes, *, path: str = "/mutate", headers: tuple[str, ...] = (), version: str = "1.1"
) -> bytes:
    """Write a request as the API server does."""
    lines = [
        f"POST {path} HTTP/{version}",
        "Host: initshim.initshim.svc",
        "User-Agent: kube-apiserver-admission",
        "Accept: application/json, */*",
        "Content-Type: application/json",
        *headers,
    ]
    if not any(header.lower().startswith("transfer-encoding") for header in headers):
        lines.append(f"Content-Length: {len(content)}")
    return "\r\n".join([*lines, "", ""]).encode() + content


@dataclass
class Response:
    """A response as read from a socket."""

    status: int
    headers: dict[str, str]
    body: bytes


class Reader:
    """Reads responses, one after the other, from a socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._file = connection.makefile("rb")

    def response(self, *, head: bool = False) -> Response:
        """Read one response; ConnectionError where there is none."""
        first = self._file.readline()
        if not first:
            raise ConnectionError("closed")
        headers: dict[str, str] = {}
        while (line := self._file.readline().strip()) != b"":
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        size = 0 if head else int(headers.get("content-length", "0"))
        return Response(int(first.split()[1]), headers, self._file.read(size))

    def is_closed(self) -> bool:
        """Wait for the connection's end; True when nothing came before it."""
        try:
            return self._file.read(1) == b""
        except (ConnectionError, ssl.SSLError):
            return True
