"""Run a command in a container and give what it prints: for command lines.

The subprotocol is v4.channel.k8s.io, which every API server and kubelet since 1.4 speaks: a frame's
first byte is its channel, and when the command has ended channel 3 carries a Status
(k8s.io/apimachinery, pkg/util/remotecommand, and k8s.io/streaming). Importing this module imports
`websockets`, of the extra `cli`. Rights: get and create pods/exec; an API server before 1.35 asks
for get alone.
"""

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus, WebSocketException
from websockets.frames import CloseCode
from websockets.typing import Subprotocol

from webhook.core.errors import clause
from webhook.kube import errors
from webhook.kube.answers import message, refusal
from webhook.kube.connect import Connection
from webhook.kube.objects import Ref

_PROTOCOL = Subprotocol("v4.channel.k8s.io")
_STDOUT, _STDERR, _STATUS = 1, 2, 3
_LARGEST = 64 << 10
# CRI-O hands on what its runtime printed, and the runtime's exit code, as if they were the
# program's (CRI-O 1.34: 255 with runc); containerd says that it started nothing.
_RUNTIMES = re.compile(r"exec failed: |executable file \S+ not found")


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command printed, and its exit code."""

    stdout: str
    stderr: str
    code: int


class _Direct(connect):
    """A connection that follows no redirect: it would carry the token elsewhere."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """See connect."""
        return exc


async def exec_in(
    connection: Connection,
    pod: Ref,
    container: str,
    command: tuple[str, ...],
    *,
    deadline: float = 10.0,
    largest: int = _LARGEST,
) -> Ran:
    """Run the command, without a terminal or input; `deadline` in seconds holds for all of it.

    `largest`: how many bytes it may print.

    Raises Forbidden, Missing, ApiUnreachable, Refused, BadApiAnswer, and NotStarted where the
    container's image has no such program.
    """
    task = f"Can't exec in {pod}, container {container}"
    try:
        async with asyncio.timeout(deadline):
            token = await connection.token()
            url = _url(connection, pod, container, command)
            async with _open(connection, url, token, largest) as socket:
                return _ran(await _read(socket, task, largest), task)
    except TimeoutError as error:
        raise errors.ApiUnreachable(f"{task}: no answer in {deadline:g} s") from error
    except InvalidStatus as error:
        raise _refused(error, f"{pod}, container {container}") from error
    except ConnectionClosedError as error:
        if error.sent and error.sent.code == CloseCode.MESSAGE_TOO_BIG:
            raise _too_much(task, largest) from error
        raise errors.ApiUnreachable(f"{task}: {clause(error)}") from error
    except (WebSocketException, OSError) as error:
        raise errors.ApiUnreachable(f"{task}: {clause(error)}") from error


def _too_much(task: str, largest: int) -> errors.BadApiAnswer:
    return errors.BadApiAnswer(f"{task}: it prints more than {largest >> 10} KiB")


def _refused(error: InvalidStatus, what: str) -> errors.KubeError:
    answer = error.response
    found = refusal(answer.status_code, bytes(answer.body or b""), verb="exec in", what=what)
    if answer.status_code == 403:
        found.next_step = "Grant the verbs 'get' and 'create' on pods/exec."
    return found


def _url(connection: Connection, pod: Ref, container: str, command: tuple[str, ...]) -> str:
    query = [("command", word) for word in command]
    query += [("container", container), ("stdout", "true"), ("stderr", "true")]
    server = connection.server.rstrip("/").replace("http", "ws", 1)  # https becomes wss
    return f"{server}{pod.path}/exec?{urlencode(query)}"


def _open(connection: Connection, url: str, token: str | None, largest: int) -> connect:
    secure = url.startswith("wss:")
    named: dict[str, Any] = {}
    if secure and connection.server_name:
        named["server_hostname"] = connection.server_name
    return _Direct(
        url,
        ssl=connection.tls if secure else None,
        proxy=connection.proxy,
        subprotocols=[_PROTOCOL],
        additional_headers={"Authorization": f"Bearer {token}"} if token else None,
        user_agent_header="initshim",
        compression=None,
        open_timeout=None,  # one deadline is around it all
        close_timeout=1.0,
        max_size=largest,
        **named,
    )


async def _read(socket: ClientConnection, task: str, largest: int) -> dict[int, bytes]:
    """Give what came on each channel, once the other side closes."""
    heard: dict[int, bytes] = {}
    size = 0
    async for frame in socket:
        data = frame.encode() if isinstance(frame, str) else frame
        size += len(data)
        if size > largest:
            raise _too_much(task, largest)
        if data:
            heard[data[0]] = heard.get(data[0], b"") + data[1:]
    return heard


def _ran(heard: dict[int, bytes], task: str) -> Ran:
    try:
        status: Any = json.loads(heard.get(_STATUS, b""))
        code = _code(status)
    except (ValueError, TypeError, AttributeError) as error:
        raise errors.BadApiAnswer(f"{task}: nobody says how the command ended") from error
    if code is None:
        raise errors.NotStarted(f"{task}: {message(status)}")
    stdout, stderr = (heard.get(each, b"").decode(errors="replace") for each in (_STDOUT, _STDERR))
    if code and not stdout and _RUNTIMES.search(stderr):
        raise errors.NotStarted(f"{task}: {stderr.strip()}")
    return Ran(stdout, stderr, code)


def _code(status: Any) -> int | None:
    """Read the exit code out of a Status; None where the command was never started."""
    if status.get("status") == "Success":
        return 0
    causes = (status.get("details") or {}).get("causes") or ()
    codes = (each.get("message") for each in causes if each.get("reason") == "ExitCode")
    return next((int(code) for code in codes), None)
