"""A command in a container: real WebSockets, real TLS, real processes."""

import asyncio
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from socket import SHUT_RDWR

import pytest
import trustme

from tests.fakes.kubelet import Kubelet, serving
from webhook.kube.connect import Connection
from webhook.kube.errors import (
    ApiUnreachable,
    BadApiAnswer,
    Forbidden,
    KubeError,
    Missing,
    NotStarted,
    Refused,
)
from webhook.kube.exec import Ran, exec_in
from webhook.kube.objects import POD, Ref

WEB = Ref(POD, "web", "shop")
Exec = Callable[..., Ran]


async def _token() -> str:
    return "secret-token"


@pytest.fixture
def kubelet() -> Kubelet:
    return Kubelet()


@pytest.fixture
def connection(kubelet: Kubelet) -> Iterator[Connection]:
    ca = trustme.CA()
    theirs, ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ca.issue_cert("localhost").configure_cert(theirs)
    ca.configure_trust(ours)
    with serving(kubelet, theirs):
        yield Connection(kubelet.url, ours, _token)


@pytest.fixture
def execute(connection: Connection) -> Exec:
    def call(*command: str, deadline: float = 10.0) -> Ran:
        return asyncio.run(exec_in(connection, WEB, "app", command, deadline=deadline))

    return call


def test_a_command_runs_and_its_output_and_exit_code_come_back(
    kubelet: Kubelet, execute: Exec
) -> None:
    assert execute("sh", "-c", "echo out; echo err >&2; exit 7") == Ran("out\n", "err\n", 7)
    assert execute("true") == Ran("", "", 0)
    (first, _) = kubelet.calls
    assert first.path == "/api/v1/namespaces/shop/pods/web/exec"
    assert (first.container, first.token) == ("app", "secret-token")
    assert first.command == ("sh", "-c", "echo out; echo err >&2; exit 7")


@pytest.mark.parametrize("crio", [False, True], ids=["containerd", "cri-o"])
def test_a_program_that_the_image_lacks_is_told_from_one_that_fails(
    kubelet: Kubelet, execute: Exec, crio: bool
) -> None:
    kubelet.crio = crio
    with pytest.raises(NotStarted, match="executable file not found"):
        execute("no-such-program")
    missing = "sh: 1: no-such-program: not found"
    failed = execute("sh", "-c", f"echo '{missing}' >&2; exit 255")
    assert failed == Ran("", f"{missing}\n", 255)


@pytest.mark.parametrize(
    ("code", "expected"),
    [(401, Forbidden), (403, Forbidden), (404, Missing), (400, Refused), (500, ApiUnreachable)],
)
def test_a_refusal_says_which_right_is_missing_and_no_secret(
    kubelet: Kubelet, execute: Exec, code: int, expected: type[KubeError]
) -> None:
    kubelet.refuse = lambda _call: (code, 'pods "web": this is it')
    with pytest.raises(expected, match=r"Can't exec in .*web, container app: .*is it") as error:
        execute("true")
    assert "secret-token" not in f"{error.value} {error.value.next_step}"
    assert code != 403 or "'get' and 'create' on pods/exec" in error.value.next_step


def test_a_redirect_is_not_followed(kubelet: Kubelet, execute: Exec) -> None:
    kubelet.refuse = lambda _call: (307, "elsewhere")
    with pytest.raises(KubeError, match="307"):
        execute("true")
    assert len(kubelet.calls) == 1


def test_a_command_that_hangs_meets_the_deadline(execute: Exec) -> None:
    with pytest.raises(ApiUnreachable, match="no answer in"):
        execute("sleep", "1", deadline=0.2)


def test_a_kubelet_that_breaks_off_is_unreachable(
    kubelet: Kubelet, execute: Exec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubelet, "_run", lambda socket, _: socket.socket.shutdown(SHUT_RDWR))
    with pytest.raises(ApiUnreachable, match="exec in Pod shop/web, container app: "):
        execute("true")


@pytest.mark.parametrize("frames", [[b"\x01" + bytes(70_000)], [b"\x01" + bytes(999)] * 99])
def test_a_flood_is_cut_off(kubelet: Kubelet, execute: Exec, frames: list[bytes]) -> None:
    kubelet.raw = frames
    with pytest.raises(BadApiAnswer, match="more than 64 KiB"):
        execute("true")


@pytest.mark.parametrize(
    "frames", [[], [b""], [b"\x01half"], [b"\x03"], [b"\x03[]"], [b"\x03nonsense"], [b"\xff\x00"]]
)
def test_an_end_that_nobody_explains_is_a_bad_answer(
    kubelet: Kubelet, execute: Exec, frames: list[bytes]
) -> None:
    kubelet.raw = frames
    with pytest.raises(BadApiAnswer, match="how the command ended"):
        execute("true")


def test_a_server_of_another_ca_is_not_spoken_to(kubelet: Kubelet, connection: Connection) -> None:
    stranger = replace(connection, tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    with pytest.raises(ApiUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
        asyncio.run(exec_in(stranger, WEB, "app", ("true",)))
    assert kubelet.calls == []


def test_a_name_that_the_certificate_has_and_the_url_has_not_can_be_given(
    connection: Connection,
) -> None:
    by_address = replace(
        connection,
        server=connection.server.replace("localhost", "127.0.0.1"),
        server_name="localhost",
    )
    assert asyncio.run(exec_in(by_address, WEB, "app", ("true",))).code == 0


def test_nobody_listening_is_unreachable() -> None:
    nowhere = Connection("http://127.0.0.1:1", ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), _token)
    with pytest.raises(ApiUnreachable, match="Can't exec in Pod shop/web"):
        asyncio.run(exec_in(nowhere, WEB, "app", ("true",)))


def test_the_command_line_imports_websockets_only_when_it_execs() -> None:
    """It is of the extra `cli`: docs/adr/0003."""
    audit = "webhook.cli.audit.command"
    code = f"import sys, {audit}; sys.exit('websockets.asyncio.client' in sys.modules)"
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
