"""The exec endpoint of a kubelet, and of the API server before it, over real WebSockets.

It speaks v4.channel.k8s.io as k8s.io/apimachinery (pkg/util/remotecommand) and the kubelet do: an
empty frame on each output channel first, then what the command prints, then a Status on channel 3,
then a close. The commands really run, in this machine's own processes.
"""

import json
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve
from websockets.typing import Subprotocol

STDOUT, STDERR, STATUS = 1, 2, 3
PROTOCOL = Subprotocol("v4.channel.k8s.io")


@dataclass(frozen=True)
class Call:
    """What was asked for; `container` comes from the query, or is the last part of the path."""

    path: str
    container: str
    command: tuple[str, ...]
    token: str


Refuse = Callable[[Call], tuple[int, str] | None]


@dataclass
class Kubelet:
    """`programs` maps a container (`app`, or `pod/app` of one pod) to what is run instead."""

    programs: dict[str, list[str]] = field(default_factory=dict)
    refuse: Refuse = lambda _call: None
    raw: list[bytes] | None = None
    """Frames to send instead of running anything; then silence."""
    crio: bool = False
    """Whether its runtime is CRI-O: what the runtime says comes as the program's own words."""
    calls: list[Call] = field(default_factory=list)
    busiest: int = 0
    url: str = ""
    _busy: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, _connection: ServerConnection, request: Request) -> Response | None:
        """Refuse before the upgrade, with a Status as the API server gives it."""
        call = _call(request)
        self.calls.append(call)
        refused = self.refuse(call)
        if refused is None:
            return None
        code, message = refused
        body = json.dumps({"kind": "Status", "status": "Failure", "message": message}).encode()
        headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(body))})
        return Response(code, HTTPStatus(code).phrase, headers, body)

    def handle(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        with self._lock:
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)
        try:
            if self.raw is not None:
                for frame in self.raw:
                    socket.send(frame)
                return
            for channel in (STDOUT, STDERR):
                socket.send(bytes([channel]))
            self._run(socket, _call(socket.request))
        finally:
            with self._lock:
                self._busy -= 1

    def _run(self, socket: ServerConnection, call: Call) -> None:
        one = f"{call.path.split('/')[-2]}/{call.container}"
        command = self.programs.get(one) or self.programs.get(call.container) or list(call.command)
        try:
            done = subprocess.run(command, capture_output=True, timeout=20, check=False)
        except FileNotFoundError:
            if self.crio:
                socket.send(bytes([STDERR]) + _runc(command[0]).encode())
            socket.send(_frame(_ended(255) if self.crio else _not_started(command[0])))
            return
        for channel, text in ((STDOUT, done.stdout), (STDERR, done.stderr)):
            if text:
                socket.send(bytes([channel]) + text)
        socket.send(_frame(_ended(done.returncode)))


def _call(request: Request) -> Call:
    parts = urlsplit(request.path)
    query = parse_qs(parts.query)
    path = unquote(parts.path)
    container = query.get("container", [path.rpartition("/")[2]])[0]
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return Call(path, container, tuple(query.get("command", ())), token)


def _frame(status: dict[str, Any]) -> bytes:
    return bytes([STATUS]) + json.dumps({"metadata": {}, **status}).encode()


def _ended(code: int) -> dict[str, Any]:
    if code == 0:
        return {"status": "Success"}
    return {
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def _not_started(program: str) -> dict[str, Any]:
    """containerd's words, as the kubelet passes them on."""
    message = (
        "Internal error occurred: error executing command in container: failed to exec in "
        f'container: failed to start exec "0a1b": OCI runtime exec failed: exec failed: unable to '
        f'start container process: exec: "{program}": executable file not found in $PATH: unknown'
    )
    return {"status": "Failure", "reason": "InternalError", "message": message, "code": 500}


def _runc(program: str) -> str:
    """runc's words, as CRI-O 1.34 hands them on; seen on the node of `make node`."""
    return (
        'time="2026-11-30T04:31:43Z" level=error msg="exec failed: unable to start container '
        f'process: exec: \\"{program}\\": executable file not found in $PATH"\n'
    )


@contextmanager
def serving(kubelet: Kubelet, tls: ssl.SSLContext | None = None) -> Iterator[Kubelet]:
    """Serve on a free port of 127.0.0.1, from threads."""
    server: Server = serve(
        kubelet.handle,
        "127.0.0.1",
        0,
        ssl=tls,
        subprotocols=[PROTOCOL],
        process_request=kubelet.check,
        compression=None,
    )
    kubelet.url = f"{'https' if tls else 'http'}://localhost:{server.socket.getsockname()[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield kubelet
    finally:
        server.shutdown()
        thread.join(20)
