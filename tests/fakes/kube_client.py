"""A client that calls webhooks as kube-apiserver does: Go's http.Transport in a few lines.

Keep-alive connections in a pool, the last used one first; a pooled connection that the server has
closed is thrown away unused; no retry of a call (k8s.io/apiserver, webhook/generic). A Service
stands before the webhooks: new connections go to those whose /readyz was good when last probed.
"""

import random
import select
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPSConnection


@dataclass
class Calls:
    """What came of the calls."""

    good: list[int] = field(default_factory=list)  # the ports that answered
    closes: int = 0
    failures: list[str] = field(default_factory=list)


class KubeClient:
    """Calls a Service's endpoints from several threads until it is told to stop."""

    def __init__(
        self, tls: ssl.SSLContext, endpoints: Callable[[], Sequence[int]], body: bytes
    ) -> None:
        self.calls = Calls()
        self._tls = tls
        self._endpoints = endpoints
        self._body = body
        self._pool: list[HTTPSConnection] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work) for _ in range(8)]

    def start(self) -> None:
        """Begin to call."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, and close the pool."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for connection in self._pool:
            connection.close()

    def _work(self) -> None:
        while not self._stop.is_set():
            connection = self._take()
            try:
                self._call(connection)
            except (OSError, HTTPException) as error:
                with self._lock:
                    self.calls.failures.append(repr(error))
                connection.close()
            time.sleep(random.uniform(0, 0.004))  # so that connections wait in the pool

    def _call(self, connection: HTTPSConnection) -> None:
        headers = {"Content-Type": "application/json", "Accept": "application/json, */*"}
        connection.request("POST", "/mutate?timeout=10s", self._body, headers)
        response = connection.getresponse()
        answer = response.read()
        with self._lock:
            if response.status != 200 or b'"patch":' not in answer:
                self.calls.failures.append(f"{response.status} {answer[:200]!r}")
            self.calls.good.append(connection.port)
            if response.will_close:
                self.calls.closes += 1
                connection.close()
            else:
                self._pool.append(connection)

    def _take(self) -> HTTPSConnection:
        with self._lock:
            while self._pool:
                connection = self._pool.pop()
                if not _was_closed(connection):
                    return connection
                connection.close()
        port = random.choice(self._endpoints())
        return HTTPSConnection("127.0.0.1", port, context=self._tls, timeout=30)


def _was_closed(connection: HTTPSConnection) -> bool:
    """Go reads each idle connection in the background, and so knows."""
    if connection.sock is None:
        return True
    readable, _, _ = select.select([connection.sock], [], [], 0)
    if not readable:
        return False
    connection.sock.setblocking(False)  # positional only
    try:
        return connection.sock.recv(1) == b""
    except ssl.SSLWantReadError:
        return False  # a session ticket
    except OSError:
        return True
    finally:
        connection.sock.settimeout(30)
