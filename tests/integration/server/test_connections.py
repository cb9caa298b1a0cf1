"""Floods, and clients that connect and say nothing: the API server's reviews get through."""

import re
import resource
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from tests.fakes.reviews import body, read
from tests.integration.server.process import certificate, process
from tests.integration.server.running import PATIENCE, Reader, Webhook, request, webhook

FEWEST = 16


@contextmanager
def silent(port: int, count: int) -> Iterator[list[socket.socket]]:
    """Hold connections that never say a word."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
            for _ in range(count)
        ]


def is_cut(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def is_served(connection: socket.socket) -> bool:
    connection.sendall(request(body(uid="u")))
    return bool(read(Reader(connection).response().body, "u")["patch"])


def dropped(served: Webhook, reason: str) -> bool:
    with served.connect(plain=True) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        metrics = Reader(connection).response().body.decode()
    (line,) = re.findall(
        rf'^initshim_connections_dropped_total{{reason="{reason}"}} (.*)$', metrics, re.MULTILINE
    )
    return float(line) > 0


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01"])
def test_a_handshake_that_is_not_finished_has_an_end(said: bytes) -> None:
    with webhook(host="127.0.0.1", receive_seconds=0.2) as served, silent(served.port, 1) as (one,):
        one.sendall(said)
        assert is_cut(one)


def test_who_has_sent_no_request_makes_room_and_who_has_stays() -> None:
    with (
        webhook(host="127.0.0.1", max_connections=FEWEST, receive_seconds=PATIENCE) as served,
        served.connect() as known,
    ):
        assert is_served(known)
        with silent(served.port, 3 * FEWEST) as flood, served.connect() as late:
            assert is_served(late)
            assert is_served(known)
            assert is_cut(flood[0])
        assert dropped(served, "full")


def test_with_nobody_to_make_room_a_newcomer_is_turned_away_at_once() -> None:
    with webhook(host="127.0.0.1", max_connections=FEWEST) as served, ExitStack() as stack:
        for _ in range(FEWEST):
            assert is_served(stack.enter_context(served.connect()))
        with silent(served.port, 1) as (one,):
            assert is_cut(one)
        assert dropped(served, "full")


def test_a_place_is_free_again_when_its_connection_has_ended() -> None:
    with webhook(host="127.0.0.1", max_connections=FEWEST) as served:
        for _ in range(2 * FEWEST):
            with served.connect() as connection:
                assert is_served(connection)
        assert not dropped(served, "full")


def test_a_client_that_does_not_trust_the_certificate_is_heard() -> None:
    with webhook(host="127.0.0.1") as served:
        stranger = ssl.create_default_context()
        raw = socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)
        with raw, pytest.raises(ssl.SSLCertVerificationError):
            stranger.wrap_socket(raw, server_hostname="localhost")
        end = time.monotonic() + PATIENCE
        while not dropped(served, "distrusted"):
            assert time.monotonic() < end


def test_out_of_descriptors_it_lets_go_of_who_says_nothing(tmp_path: Path) -> None:
    settings = {**certificate(tmp_path).settings, "receive_seconds": PATIENCE}
    with process(**settings) as served:
        held = psutil.Process(served.popen.pid)
        few = held.num_fds() + FEWEST
        held.rlimit(resource.RLIMIT_NOFILE, (few, few))
        with silent(served.port, 3 * FEWEST) as flood:
            assert is_cut(flood[0])
            assert served.get("/readyz")[0] == 200
        assert served.popen.poll() is None


def test_a_second_signal_ends_the_drain(tmp_path: Path) -> None:
    with process(drain_seconds=300, **certificate(tmp_path).settings) as served:
        served.terminate()
        served.await_line("draining")
        served.terminate()
        assert served.popen.wait(PATIENCE) == 0
    assert served.lines[-1]["event"] == "stopped"
