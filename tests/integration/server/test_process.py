"""`initshim serve` from its start to its end: what it says, and with which status it ends."""

import re
import signal
import socket
import ssl
from http.client import HTTPSConnection
from pathlib import Path
from subprocess import PIPE, CompletedProcess, Popen

import pytest

from tests.fakes.reviews import SECRET, body, pod, read, unresolved
from tests.integration.server.process import (
    COMMAND,
    PATIENCE,
    certificate,
    environment,
    run,
    started,
)
from tests.integration.server.process import process as start
from tests.integration.server.running import Reader, request, webhook
from webhook.core.errors import BadSettings, InitshimError


def post(client: ssl.SSLContext, port: int, content: bytes, host: str = "127.0.0.1") -> bytes:
    connection = HTTPSConnection(host, port, context=client, timeout=PATIENCE)
    try:
        connection.request("POST", "/mutate", content, {"Content-Type": "application/json"})
        return connection.getresponse().read()
    finally:
        connection.close()


def test_it_logs_json_lines_with_what_was_decided_and_nothing_else(tmp_path: Path) -> None:
    files = certificate(tmp_path)
    two = pod(containers=[*pod()["spec"]["containers"], unresolved("other")])
    with start(lookups="false", **files.settings) as served:
        assert served.get("/readyz") == (200, "ok\n")
        assert read(post(files.client, served.port, body(two, uid="a-uid")), "a-uid")["patch"]
        broken = pod(containers=[{"name": "app", "command": SECRET}])
        assert read(post(files.client, served.port, body(broken)))["warnings"]
        assert b"no AdmissionReview" in post(files.client, served.port, b"{}")
        with socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE) as raw:
            raw.sendall(b"not TLS at all\r\n\r\n")
            raw.recv(100)
        served.terminate()
        assert served.popen.wait(PATIENCE) == 0
    lines = served.lines  # each line was JSON
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines)
    (reviewed,) = [line for line in lines if line.get("uid") == "a-uid"]
    assert reviewed["owner"] == "ReplicaSet/shop-7d9c5b8f6"
    assert reviewed["containers"] == {"app": "wrapped", "other": "lookup-off"}
    (failed,) = [line for line in lines if line["event"] == "review-failed"]
    assert "must be a list of strings" in failed["error"]
    assert not any(SECRET in line for line in served.written)
    assert [line["event"] for line in lines][-2:] == ["draining", "stopped"]


def test_without_uvloop_it_serves_on_pythons_own_loop(tmp_path: Path) -> None:
    missing = "import sys; sys.modules['uvloop'] = None; " + COMMAND[2]
    command = [COMMAND[0], "-c", missing, "serve", "--dev", "--port", "0", "--http-port", "0"]
    authority = tmp_path / "ca.pem"
    with Popen(
        [*command, "--ca-out", str(authority)],
        env=environment(lookups="false"),
        stdout=PIPE,
        text=True,
    ) as served:
        assert served.stdout
        said = next(line for line in served.stdout if line.startswith("POST "))
        port = int(said.rpartition(":")[2].removesuffix("/mutate\n"))
        client = ssl.create_default_context(cafile=str(authority))
        assert read(post(client, port, body(pod()), "localhost"))["patch"]
        served.terminate()
        assert served.wait(PATIENCE) == 0


def test_it_is_alive_and_not_ready_before_it_has_a_certificate(tmp_path: Path) -> None:
    missing = {"tls": "files", "tls_cert_file": tmp_path / "no.crt", "tls_key_file": tmp_path / "k"}
    with start(**missing) as served:
        status, reason = served.get("/readyz")
        assert status == 503
        assert "certificate" in reason.lower() or "no.crt" in reason
        assert served.get("/healthz") == (200, "ok\n")
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            post(client, served.port, body())


def test_for_development_it_writes_the_ca_that_a_client_verifies_by(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    arguments = ["--dev", "--port", "0", "--http-port", "0", "--ca-out", str(ca)]
    with Popen([*COMMAND, *arguments], env=environment(), stdout=PIPE, stderr=PIPE) as served:
        assert served.stdout
        lines = served.stdout.readline().decode(), served.stdout.readline().decode()
        port = int(lines[1].split(":")[2].split("/")[0])
        client = ssl.create_default_context(cafile=str(ca))
        assert str(ca) in lines[0]
        assert read(post(client, port, body(uid="u"), "localhost"), "u")["patch"]
        served.send_signal(signal.SIGINT)
        _, written = served.communicate(timeout=PATIENCE)
        assert served.returncode == 0
    assert b"Traceback" not in written
    assert b"serving" in written  # for people, not JSON


def test_the_settings_port_counts_where_a_variable_is_there_in_two_spellings() -> None:
    """The plain port is opened before the settings are read, and by the usual spelling alone."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with started(["env", f"initshim_http_port={port}", *COMMAND], {"tls": "dev"}) as served:
        assert served.http_port == port
        assert served.get("/healthz") == (200, "ok\n")


def test_for_development_it_says_where_it_listens() -> None:
    arguments = ["--dev", "--port", "0", "--http-port", "0"]
    with Popen([*COMMAND, *arguments], env=environment(), stdout=PIPE, stderr=PIPE) as served:
        assert served.stdout
        first, second = served.stdout.readline(), served.stdout.readline()
        served.terminate()
        served.communicate(timeout=PATIENCE)
    assert re.fullmatch(rb"POST https://localhost:\d+/mutate\n", first)
    assert re.fullmatch(rb"GET  http://localhost:\d+/healthz /readyz /metrics\n", second)


def sentence(done: CompletedProcess[str]) -> str:
    """Give the one line that is not the log; a start that failed ends with 1."""
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith(("{", "20"))]
    assert line.startswith("initshim serve: ")
    assert line.endswith(".")
    return line


def test_bad_settings_end_it_with_one_sentence_that_names_each() -> None:
    said = sentence(run(port="https", drain_seconds=-1, log_level="loud"))
    for name in ("INITSHIM_PORT: ", "INITSHIM_DRAIN_SECONDS: ", "INITSHIM_LOG_LEVEL: "):
        assert name in said


def test_a_second_one_on_the_same_port_says_who_is_in_the_way() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = sentence(run(tls="dev", host="127.0.0.1", port=port, http_port=0))
    assert f"can't listen on 127.0.0.1, port {port}: Address already in use." in said
    assert "Choose another host or port" in said


def test_a_ca_that_can_not_be_written_ends_it_with_a_sentence() -> None:
    arguments = ("--dev", "--port", "0", "--http-port", "0", "--ca-out", "/nowhere/ca.pem")
    assert "--ca-out /nowhere/ca.pem can't be written" in sentence(run(*arguments))


def test_without_a_cluster_it_says_so(tmp_path: Path) -> None:
    for settings in ({"tls": "builtin"}, {"tls": "dev", "images_file": tmp_path / "none.yaml"}):
        with pytest.raises(InitshimError) as caught, webhook(**settings):
            pass
        assert str(caught.value)


def test_either_port_may_be_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for which in ("port", "http_port"):
            given = {"host": "127.0.0.1", which: port}
            with pytest.raises(BadSettings, match=f"port {port}"), webhook(**given):
                pass


def test_whether_a_pod_is_admitted_or_denied_is_a_setting() -> None:
    sent = body(pod(containers=[unresolved()]), uid="u")
    for choice, allowed in (("admit", True), ("deny", False)):
        with webhook(on_unresolved=choice, lookups=False) as served, served.connect() as connection:
            connection.sendall(request(sent))
            response = read(Reader(connection).response().body, "u")
        assert response["allowed"] is allowed
        said = response["warnings"][0] if allowed else response["status"]["message"]
        assert "app" in said
        assert "lookup-off" in said
