"""An answer's head and the begin of its body in one write: uvicorn makes two of them.

Each write is a record of TLS, a system call and a packet that wakes the client: a fifth of what a
short review costs.
"""

import asyncio

_END = b"\r\n\r\n"
_CONTINUE = b"HTTP/1.1 100 "  # a client waits for it before it sends a body


class Joined:
    """What uvicorn needs of a transport; a head waits here for what is written next."""

    __slots__ = ("_head", "_transport", "abort", "is_closing")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""
        self.abort = transport.abort
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        """Write, but keep what ends as a head does until there is more, or `flush`."""
        if self._head:
            data, self._head = self._head + data, b""
        elif data.endswith(_END) and not data.startswith(_CONTINUE):
            self._head = data
            return
        self._transport.write(data)

    def flush(self) -> None:
        """Write what was kept: the answer has no body."""
        if self._head:
            self._transport.write(self._head)
            self._head = b""

    def close(self) -> None:
        """Close once all is written."""
        self.flush()
        self._transport.close()
