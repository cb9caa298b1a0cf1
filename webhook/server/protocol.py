"""uvicorn's HTTP protocol with what it lacks: a time limit to receive and a cap on headers.

Without them a client that sends a byte now and then holds its connection for ever, and header
lines without an end are kept in memory (httptools has no limit of its own).
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 64 << 10


class PatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 for clients that finish sending a request within `receive_seconds`."""

    receive_seconds = 10.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limit: asyncio.TimerHandle | None = None
        self._head = 0
        self._in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock: the first request is due."""
        super().connection_made(transport)
        self._start_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, and close once a request's head grows past its limit."""
        if self._in_head:
            self._head += len(data)
        super().data_received(data)
        if self._in_head and self._head > LARGEST_HEAD and not self.transport.is_closing():
            self.transport.write(
                b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
                b"content-length: 0\r\nconnection: close\r\n\r\n"
            )
            self.transport.close()

    def on_message_begin(self) -> None:
        """A request starts: the clock runs until its last byte."""
        self._in_head = True
        self._start_clock()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head has come; the application caps the body."""
        self._in_head = False
        self._head = 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The last byte has come."""
        self._stop_clock()
        super().on_message_complete()

    def _start_clock(self) -> None:
        if self._limit is None:
            self._limit = self.loop.call_later(self.receive_seconds, self._give_up)

    def _stop_clock(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


def patient(receive_seconds: float) -> type[PatientProtocol]:
    """Give the protocol class with that limit: uvicorn wants a class, not an object."""
    return type("PatientProtocol", (PatientProtocol,), {"receive_seconds": receive_seconds})
