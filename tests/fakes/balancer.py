"""kube-proxy on loopback: a Service's address, whose new connections go to the endpoints in turn.

What is connected stays connected, as with conntrack; with no endpoint left, who comes is reset. The
bytes are moved in the kernel (splice), so that what is measured is what stands behind.
"""

import contextlib
import os
import socket
import struct
import threading
from collections.abc import Sequence

Address = tuple[str, int]
_CHUNK = 1 << 16
_CONNECT_SECONDS = 3.0


class Balancer:
    """Listens on host and port from the start, in threads of its own; OSError where it can't."""

    def __init__(self, host: str, port: int) -> None:
        self._endpoints: Sequence[Address] = ()
        self._turn = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._serving: set[threading.Thread] = set()
        self._stopped = False
        self._listener = socket.create_server((host, port), backlog=4096)
        _send_at_once(self._listener)  # whom it accepts inherits it
        self._accepting = threading.Thread(target=self._accept, name="balancer")
        self._accepting.start()

    def send_to(self, endpoints: Sequence[Address]) -> None:
        """Give new connections to these from now on, in turn."""
        self._endpoints = tuple(endpoints)

    def stop(self) -> None:
        """Stop listening, and close every connection."""
        self._listener.shutdown(socket.SHUT_RDWR)  # what accept() ends by
        self._accepting.join()
        self._listener.close()
        with self._lock:
            self._stopped = True
            for each in self._open:
                _shut(each, socket.SHUT_RDWR)
            serving = list(self._serving)
        for thread in serving:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(client,), name="balanced")
            with self._lock:
                self._serving.add(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            server = self._connect(client)
            with server:
                if self._take(client, server):
                    _join(client, server)
                with self._lock:
                    self._open -= {client, server}
        with self._lock:
            self._serving.discard(threading.current_thread())

    def _connect(self, client: socket.socket) -> socket.socket:
        """Connect to the next endpoint; OSError, and a reset for the client, where that fails."""
        endpoints = self._endpoints
        self._turn += 1
        try:
            if not endpoints:
                raise ConnectionRefusedError
            address = endpoints[self._turn % len(endpoints)]
            server = socket.create_connection(address, _CONNECT_SECONDS)
        except OSError:
            _reset_at_close(client)
            raise
        server.settimeout(None)
        _send_at_once(server)
        return server

    def _take(self, *ends: socket.socket) -> bool:
        """Note what `stop` has to close; False where it has been called."""
        with self._lock:
            self._open |= set(ends)
            return not self._stopped


def _send_at_once(connection: socket.socket) -> None:
    """Wait for no acknowledgement before the next packet: kube-proxy moves packets, not bytes."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _join(client: socket.socket, server: socket.socket) -> None:
    """Pass on what comes on either side until both have ended."""
    back = threading.Thread(target=_pour, args=(server, client), name="balanced back")
    back.start()
    _pour(client, server)
    back.join()


def _pour(source: socket.socket, sink: socket.socket) -> None:
    """Pass on what comes, and then how it ended: a break on one side breaks the other."""
    reading, writing = os.pipe()
    try:
        while count := os.splice(source.fileno(), writing, _CHUNK):
            while count:
                count -= os.splice(reading, sink.fileno(), count)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        _reset_at_close(sink)
        for each in (source, sink):
            _shut(each, socket.SHUT_RD)  # the other direction ends, too
    finally:
        os.close(reading)
        os.close(writing)


def _reset_at_close(connection: socket.socket) -> None:
    """As the node's firewall or the pod's kernel would send it."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _shut(connection: socket.socket, how: int) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(how)
