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
import trustme

from tests.fakes.reviews import body, read
from tests.integration.server.process import certificate, process
from tests.integration.server.running import PATIENCE, Reader, Webhook, request, webhook
from webhook.tls.pair import BadCertificate

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


def test_the_least_recently_used_of_a_peers_own_makes_room() -> None:
    with webhook(host="127.0.0.1", max_connections=FEWEST) as served, ExitStack() as stack:
        held = [stack.enter_context(served.connect()) for _ in range(FEWEST)]
        for each in [*held, held[0]]:
            assert is_served(each)
        with served.connect() as late:
            assert is_served(late)
        assert is_cut(held[1])
        assert is_served(held[0])
        assert dropped(served, "full")


def test_a_place_is_free_again_when_its_connection_has_ended() -> None:
    with webhook(host="127.0.0.1", max_connections=FEWEST) as served:
        for _ in range(2 * FEWEST):
            with served.connect() as connection:
                assert is_served(connection)
        assert not dropped(served, "full")


def test_a_client_that_does_not_trust_the_certificate_is_heard() -> None:
    with webhook(host="127.0.0.1") as served:
        stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        raw = socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)
        with raw, pytest.raises(ssl.SSLCertVerificationError):
            stranger.wrap_socket(raw, server_hostname="localhost")
        end = time.monotonic() + PATIENCE
        while not dropped(served, "distrusted"):
            assert time.monotonic() < end


def test_out_of_descriptors_it_lets_go_of_who_says_nothing(tmp_path: Path) -> None:
    settings = {**certificate(tmp_path).settings, "receive_seconds": PATIENCE}
    with process(**settings) as served:
        end = time.monotonic() + PATIENCE
        while served.get("/readyz")[0] != 200:  # to load a certificate takes descriptors, too
            assert time.monotonic() < end
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


def ask(connection: socket.socket, line: str = "GET /healthz") -> int:
    connection.sendall(f"{line} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    return Reader(connection).response().status


def from_address(served: Webhook, address: str, *, plain: bool = False) -> socket.socket:
    """Connect as a peer of its own: all of 127.0.0.0/8 is this machine."""
    port = served.http_port if plain else served.port
    raw = socket.create_connection(
        ("127.0.0.1", port), timeout=PATIENCE, source_address=(address, 0)
    )
    return raw if plain else served.tls.wrap_socket(raw, server_hostname="localhost")


def test_what_is_no_review_makes_nobody_known() -> None:
    with (
        webhook(host="127.0.0.1", max_connections=FEWEST) as served,
        ExitStack() as stack,
        from_address(served, "127.0.0.2") as api,
    ):
        assert is_served(api)
        for _ in range(3 * FEWEST):
            one = stack.enter_context(from_address(served, "127.0.0.3"))
            assert ask(one, "GET /") == 404
        with from_address(served, "127.0.0.2") as late:
            assert is_served(late)
        assert is_served(api)


def test_one_peers_idle_reviewers_make_room_for_another_peer() -> None:
    with (
        webhook(host="127.0.0.1", max_connections=FEWEST) as served,
        ExitStack() as stack,
        from_address(served, "127.0.0.2") as api,
    ):
        assert is_served(api)
        for _ in range(3 * FEWEST):
            assert is_served(stack.enter_context(from_address(served, "127.0.0.3")))
        with from_address(served, "127.0.0.2") as late:
            assert is_served(late)
        assert is_served(api)


def test_held_requests_of_one_peer_make_room_for_another() -> None:
    with (
        webhook(host="127.0.0.1", max_connections=FEWEST, receive_seconds=PATIENCE) as served,
        ExitStack() as stack,
    ):
        for _ in range(3 * FEWEST):
            one = stack.enter_context(from_address(served, "127.0.0.3"))
            one.sendall(request(body())[:-10])
        with from_address(served, "127.0.0.2") as api:
            assert is_served(api)


def test_the_probes_port_is_bounded_and_a_probe_always_gets_in() -> None:
    with webhook(host="127.0.0.1") as served, ExitStack() as stack:
        for _ in range(80):
            one = stack.enter_context(from_address(served, "127.0.0.3", plain=True))
            assert ask(one, "GET /") == 404
        with from_address(served, "127.0.0.2", plain=True) as kubelet:
            assert ask(kubelet) == 200
        assert dropped(served, "full")


def test_where_a_client_ca_is_given_only_its_clients_get_an_answer(tmp_path: Path) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "client-ca.crt"))
    with webhook(host="127.0.0.1", client_ca_file=tmp_path / "client-ca.crt") as served:
        for shown, answered in ((authority, True), (stranger, False), (None, False)):
            context = ssl.create_default_context(cadata=served.bundle)
            if shown:
                shown.issue_cert(common_name="kube-apiserver").configure_cert(context)
            with served.connect(tls=context) as connection:
                if answered:
                    assert is_served(connection)
                else:
                    with pytest.raises((ssl.SSLError, ConnectionError)):
                        is_served(connection)
        assert dropped(served, "unknown")


def test_a_client_ca_that_cant_be_read_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadCertificate, match="can't be used as the CAs"):  # noqa: SIM117
        with webhook(client_ca_file=tmp_path / "missing.crt"):
            pass
