"""uvicorn's HTTP protocol with what it lacks: an end to every wait, and caps on what is kept.

Without them a client that sends a byte now and then, or does not read what it is sent, holds its
connection for ever; and header lines, chunk extensions, trailers and pipelined requests without an
end are kept in memory, for neither httptools nor uvicorn has a limit of its own.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from webhook.server.eviction import Phase
from webhook.server.joined import Joined

LARGEST_HEAD = 64 << 10
MOST_HEADERS = 128  # of a request, trailers among them; the API server sends nine
_FEW_PARTS = 2048  # of a body
_SMALLEST_PART = 256  # bytes of more of them, on average; a packet has some 1,400
_PARSED_AT_ONCE = 16 << 10  # bytes, between two looks at what they became
MOST_PIPELINED = 4  # the API server, the kubelet and Prometheus wait for each answer
_MOST_UNSENT = 64 << 10  # bytes, before who writes has to wait
_LINGER = 1.0  # seconds for a client to read why it was refused, while it goes on sending
_REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


def _nothing(*_: object) -> None:
    """Take no notice of what a connection does."""


class TooMuch(Exception):
    """Stops the parser in the middle of a request."""


class _Clock:
    """A time limit that can be started and stopped any number of times."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, seconds: float, expired: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._seconds = seconds
        self._expired = expired
        self._handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Start it, unless it runs already."""
        if self._handle is None:
            self._handle = self._loop.call_later(self._seconds, self._expired)

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def end(self) -> None:
        """Stop it for good, and let go of who was to be told."""
        self.stop()
        self._expired = _nothing

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._handle is not None


class PatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 for clients that send a request, and read an answer, within `receive_seconds`.

    Between requests, and before the first, a connection may be idle for as long as keep-alive
    says: Go's client opens connections that it keeps for later.
    """

    receive_seconds = 10.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A request begins, has come whole, or is answered; True where a whole review has come.
        self.used: Callable[[bool], None] = _nothing
        self.gone: Callable[[], None] = _nothing
        self._sending = _Clock(self.loop, self.receive_seconds, self._give_up)
        self._reading = _Clock(self.loop, self.receive_seconds, self._give_up)
        self._receiving = False  # a request has begun that has not come whole
        self._chunk = 0  # bytes that have come at once, while no request in them has ended
        self._unparsed = 0  # bytes since a request's begin, its head's end, or a part of its body
        self._parts = self._size = 0  # of a body
        self._too_large = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=_MOST_UNSENT)  # uvloop's for TLS is 512 KiB
        self.transport = self._joined = Joined(transport)  # type: ignore[assignment]
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks; uvicorn leaves its own running when the client was cut off.

        Nothing may lead back here from what is kept: with a connection go 256 KiB of uvloop's and
        what OpenSSL has, and they would stay until the garbage collector looks for cycles.
        """
        self._sending.end()
        self._reading.end()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)
        self.cycle = None  # type: ignore[assignment]  # as uvicorn begins
        self.gone()
        self.used = self.gone = _nothing

    def phase(self) -> Phase:
        """What the connection is doing."""
        if self._receiving:
            return Phase.RECEIVING
        answered = self.cycle is None or self.cycle.response_complete
        return Phase.IDLE if answered else Phase.ANSWERING

    def data_received(self, data: bytes) -> None:
        """Feed the parser, not too much at once, and refuse a head that has no end.

        The clock runs for a request that has not come whole at once, until its last byte.
        """
        if len(data) <= _PARSED_AT_ONCE:
            self._parse(data)
            return
        for at in range(0, len(data), _PARSED_AT_ONCE):
            self._parse(data[at : at + _PARSED_AT_ONCE])

    def _parse(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._chunk = len(data)
        self._unparsed += self._chunk
        super().data_received(data)
        if self._receiving and not self._sending.running:
            self.used(False)  # something comes, and no review has come whole
            self._sending.start()
        if self._is_too_large() or self._is_idle():
            if self.transport.is_closing():
                return
            if self._is_too_large():
                self._refuse()
            else:
                self._await_request()

    def _is_too_large(self) -> bool:
        return self._unparsed > LARGEST_HEAD or (
            self._receiving and len(self.headers) > MOST_HEADERS
        )

    def on_message_begin(self) -> None:
        """A request starts."""
        self._receiving = True
        self._unparsed = self._chunk
        self._parts = self._size = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head has come; the application caps the body."""
        self._check_head()
        self._unparsed = 0
        if len(self.pipeline) >= MOST_PIPELINED:
            raise TooMuch
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body has come."""
        self._unparsed = 0
        self._parts += 1
        self._size += len(body)
        if self._parts > _FEW_PARTS + self._size // _SMALLEST_PART:
            raise TooMuch
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The last byte has come, and with it the trailers, which uvicorn puts to the headers."""
        self._check_head()
        self._unparsed = self._chunk = 0
        self._sending.stop()
        self._receiving = False
        self.used(self.scope["method"] == "POST" and self.scope["path"] == "/mutate")
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is written; a client that is told to close has a while to read it."""
        self._joined.flush()
        super().on_response_complete()
        self.used(False)
        if self.transport.is_closing():
            self._reading.start()
            if self._receiving:  # refused before all of it had come
                self.loop.call_later(_LINGER, self._give_up)

    def pause_writing(self) -> None:
        """The client does not read what it is sent: the clock runs until it does."""
        self._reading.start()
        super().pause_writing()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._reading.stop()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, and do not wait for ever until it is closed."""
        super().timeout_keep_alive_handler()
        self._reading.start()

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser stopped at."""
        if self._too_large:
            self._refuse()
        elif len(self.pipeline) >= MOST_PIPELINED:
            self._give_up()  # an answer now would be taken for another request's
        else:
            super().send_400_response(msg)
            self.loop.call_later(_LINGER, self._give_up)

    def _check_head(self) -> None:
        """Stop at a head that is too large; one is weighed where enough has come for that."""
        if len(self.headers) > MOST_HEADERS:
            self._too_large = True
            raise TooMuch
        if self._unparsed > LARGEST_HEAD:
            size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            if size > LARGEST_HEAD:
                self._too_large = True
                raise TooMuch

    def _refuse(self) -> None:
        if self.headers:  # a connection may take long to close, and a line costs 150 bytes
            self.headers.clear()
        self.transport.write(_REFUSAL)
        self.transport.close()
        self.loop.call_later(_LINGER, self._give_up)

    def _is_idle(self) -> bool:
        """Tell whether nothing would ever end this connection: no request, and no timer.

        Empty lines before a request, and a body that goes on after its answer, stop uvicorn's
        keep-alive timer without a request that would start it again.
        """
        if self._receiving or self.timeout_keep_alive_task is not None:
            return False
        return self.cycle is None or bool(self.cycle.response_complete)

    def _await_request(self) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def _give_up(self) -> None:
        """Cut the client off: one that does not read or send would not answer TLS' close either."""
        self.transport.abort()


def patient(receive_seconds: float) -> type[PatientProtocol]:
    """Give the protocol class with that limit: uvicorn wants a class, not an object."""
    return type("PatientProtocol", (PatientProtocol,), {"receive_seconds": receive_seconds})
