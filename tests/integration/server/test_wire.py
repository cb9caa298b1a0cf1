"""HTTP/1.1 over TLS, byte by byte: what clients send, and what broken and hostile ones do."""

import gc
import socket
import ssl
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress

import psutil
import pytest

from tests.fakes.reviews import body, read
from tests.integration.server.running import PATIENCE, Reader, Webhook, request, webhook
from webhook.server.protocol import LARGEST_HEAD

RECEIVE = 0.5


@pytest.fixture(scope="module")
def patient() -> Iterator[Webhook]:
    """A webhook that waits long for the next request and not long for the rest of one."""
    with webhook(receive_seconds=RECEIVE, keep_alive_seconds=PATIENCE * 2) as served:
        yield served


@pytest.fixture(scope="module")
def quick() -> Iterator[Webhook]:
    """A webhook that closes idle connections soon."""
    with webhook(receive_seconds=PATIENCE * 2, keep_alive_seconds=1) as served:
        yield served


def exchange(served: Webhook, sent: bytes, *, plain: bool = False) -> tuple[int, dict[str, str]]:
    with served.connect(plain=plain) as connection:
        connection.sendall(sent)
        response = Reader(connection).response()
        return response.status, response.headers


def flood(connection: socket.socket, sent: bytes) -> None:
    """Send without ever reading."""
    for at in range(0, len(sent), 1 << 16):
        connection.sendall(sent[at : at + (1 << 16)])


def until(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


# What well-behaved clients do


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_review_is_answered_over_tls(patient: Webhook, version: ssl.TLSVersion) -> None:
    client = ssl.create_default_context(cadata=None)
    client.load_verify_locations(
        cadata="".join(map(ssl.DER_cert_to_PEM_cert, patient.tls.get_ca_certs(binary_form=True)))
    )
    client.minimum_version = client.maximum_version = version
    client.set_alpn_protocols(["h2", "http/1.1"])
    raw = socket.create_connection(("localhost", patient.port), timeout=PATIENCE)
    with client.wrap_socket(raw, server_hostname="localhost") as connection:
        assert connection.selected_alpn_protocol() == "http/1.1"
        connection.sendall(request(body(uid="u")))
        response = Reader(connection).response()
    assert response.status == 200
    assert "patch" in read(response.body, "u")
    assert "connection" not in response.headers


def first_answer(served: Webhook, version: ssl.TLSVersion) -> bytes:
    """Offer one version only, and give the type of the first TLS record that comes back."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    client.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        client.minimum_version = client.maximum_version = version
    outgoing = ssl.MemoryBIO()
    handshake = client.wrap_bio(ssl.MemoryBIO(), outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        handshake.do_handshake()
    with socket.create_connection(("localhost", served.port), timeout=PATIENCE) as raw:
        raw.sendall(outgoing.read())
        return raw.recv(1)


def test_tls_1_1_is_refused_by_the_server(patient: Webhook) -> None:
    handshake, alert = b"\x16", b"\x15"
    assert first_answer(patient, ssl.TLSVersion.TLSv1_2) == handshake
    assert first_answer(patient, ssl.TLSVersion.TLSv1_1) in (alert, b"")


def test_a_connection_is_used_again(patient: Webhook) -> None:
    with patient.connect() as connection:
        reader = Reader(connection)
        for number in range(20):
            connection.sendall(request(body(uid=str(number))))
            assert read(reader.response().body, str(number))["allowed"]


def test_a_body_may_come_in_chunks(patient: Webhook) -> None:
    content = body(uid="u")
    for size in (1, 7, 1000, len(content)):
        parts = [content[at : at + size] for at in range(0, len(content), size)]
        chunks = b"".join(b"%x;name=value\r\n%s\r\n" % (len(part), part) for part in parts)
        sent = request(b"", headers=("Transfer-Encoding: chunked",))
        with patient.connect() as connection:
            connection.sendall(sent + chunks + b"0\r\nTrailer: 1\r\n\r\n")
            assert read(Reader(connection).response().body, "u")["allowed"]


def test_a_body_may_come_byte_by_byte(patient: Webhook) -> None:
    sent = request(body(uid="u"))
    with patient.connect() as connection:
        for at in range(200):
            connection.sendall(sent[at : at + 1])
        connection.sendall(sent[200:])
        assert read(Reader(connection).response().body, "u")["allowed"]


def test_an_empty_last_chunk_is_an_empty_body(patient: Webhook) -> None:
    sent = request(b"0\r\n\r\n", headers=("Transfer-Encoding: chunked",))
    assert exchange(patient, sent)[0] == 400


def test_http_1_0_is_answered_and_closed(patient: Webhook) -> None:
    with patient.connect() as connection:
        connection.sendall(request(body(), version="1.0"))
        reader = Reader(connection)
        assert reader.response().status == 200
        assert reader.is_closed()


def test_a_client_that_asks_first_is_told_to_continue(patient: Webhook) -> None:
    content = body(uid="u")
    head = request(content, headers=("Expect: 100-continue",)).removesuffix(content)
    with patient.connect() as connection:
        reader = Reader(connection)
        connection.sendall(head)
        assert reader.response().status == 100
        connection.sendall(content)
        assert read(reader.response().body, "u")["allowed"]


def test_a_client_that_asks_first_is_refused_before_it_sends_too_much(patient: Webhook) -> None:
    sent = request(b"", headers=("Expect: 100-continue", "Content-Length: 9000000"))
    sent = sent.replace(b"Content-Length: 0\r\n", b"")
    assert exchange(patient, sent)[0] == 413


def test_pipelined_requests_are_answered_in_order(patient: Webhook) -> None:
    with patient.connect() as connection:
        connection.sendall(b"".join(request(body(uid=str(number))) for number in range(4)))
        reader = Reader(connection)
        for number in range(4):
            assert read(reader.response().body, str(number))["allowed"]


@pytest.mark.parametrize("protocol", ["h2c", "websocket"])
def test_an_offer_to_upgrade_is_refused(patient: Webhook, protocol: str) -> None:
    """httptools takes the body for the other protocol; the API server offers none."""
    headers = ("Connection: Upgrade, HTTP2-Settings", f"Upgrade: {protocol}", "HTTP2-Settings: A")
    assert exchange(patient, request(body(), headers=headers))[0] == 400


def test_an_idle_connection_outlives_the_time_to_send_a_request(patient: Webhook) -> None:
    """Go opens connections that it keeps for later: these too stay for the keep-alive time."""
    with patient.connect() as connection, patient.connect() as unused:
        reader = Reader(connection)
        connection.sendall(request(body()))
        assert reader.response().status == 200
        time.sleep(3 * RECEIVE)
        connection.sendall(request(body()))
        assert reader.response().status == 200
        unused.sendall(request(body()))
        assert Reader(unused).response().status == 200


def test_a_body_over_4_mib_is_refused_with_413_while_it_is_sent_semantics_5(
    patient: Webhook,
) -> None:
    large = b" " * ((4 << 20) + 1)
    with patient.connect() as connection:
        connection.sendall(request(large))
        reader = Reader(connection)
        response = reader.response()
        assert (response.status, response.headers["connection"]) == (413, "close")
    chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(large), large)
    with patient.connect() as connection:
        connection.sendall(request(chunk, headers=("Transfer-Encoding: chunked",)))
        assert Reader(connection).response().status == 413


def test_a_body_of_4_mib_is_read_and_its_connection_given_up_with_its_buffers(
    patient: Webhook,
) -> None:
    content = body()
    padded = content + b" " * ((4 << 20) - len(content))
    with patient.connect() as connection:
        connection.sendall(request(padded))
        response = Reader(connection).response()
    assert (response.status, response.headers["connection"]) == (200, "close")


def test_a_body_in_chunks_of_a_byte_is_refused(patient: Webhook) -> None:
    """Each costs as much as one of 16 KiB."""
    sent = request(b"1\r\n \r\n" * 5000, headers=("Transfer-Encoding: chunked",))
    assert exchange(patient, sent)[0] == 400


# What an idle connection ends by


def test_an_idle_connection_is_closed_after_the_keep_alive_time(quick: Webhook) -> None:
    with quick.connect() as unused, quick.connect() as used:
        reader = Reader(used)
        used.sendall(request(body()))
        assert reader.response().status == 200
        assert reader.is_closed()
        assert Reader(unused).is_closed()


def test_empty_lines_do_not_keep_a_connection_open(quick: Webhook) -> None:
    with quick.connect() as connection:
        reader = Reader(connection)
        connection.sendall(request(body()))
        assert reader.response().status == 200
        connection.sendall(b"\r\n")
        assert reader.is_closed()


def test_a_body_that_comes_after_its_answer_does_not_keep_a_connection_open(quick: Webhook) -> None:
    sent = request(body(), headers=("Content-Encoding: gzip",))
    with quick.connect() as connection:
        reader = Reader(connection)
        connection.sendall(sent[:-100])
        assert reader.response().status == 400
        connection.sendall(sent[-100:])
        assert reader.is_closed()


# What broken and hostile clients do


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET\r\n\r\n",
        b"POST /mutate HTTP/9.9\r\n\r\n",
        b"POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n",
        b"POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n",
        b"POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        request(b"0\r\n\r\n", headers=("Transfer-Encoding: chunked", "Content-Length: 5")),
        request(b"zz\r\n", headers=("Transfer-Encoding: chunked",)),
        request(b"", headers=("Bad Name: 1",)),
    ],
)
def test_what_is_no_http_is_refused_with_400_and_closed(patient: Webhook, sent: bytes) -> None:
    with patient.connect() as connection:
        connection.sendall(sent)
        reader = Reader(connection)
        assert reader.response().status == 400
        assert reader.is_closed()


def test_what_is_no_tls_is_closed_and_harms_nobody(patient: Webhook) -> None:
    with socket.create_connection(("localhost", patient.port), timeout=PATIENCE) as raw:
        raw.sendall(request(body()))
        assert until(lambda: Reader(raw).is_closed())
    assert exchange(patient, request(body()))[0] == 200


HEADS = {
    "a header": request(b"", headers=(f"X-Long: {'x' * LARGEST_HEAD}",)),
    "headers": request(b"", headers=tuple(f"X-{number}: {'x' * 90}" for number in range(700))),
    "a path": request(b"", path=f"/mutate?{'x' * LARGEST_HEAD}"),
    "a header without an end": request(b"")[:-4] + b"\r\nX-Long: " + b"x" * 4 * LARGEST_HEAD,
    "a method": b"X" * (LARGEST_HEAD + 1),
}


@pytest.mark.parametrize("which", HEADS)
def test_a_head_beyond_64_kib_is_refused(patient: Webhook, which: str) -> None:
    with patient.connect() as connection:
        connection.sendall(HEADS[which])
        reader = Reader(connection)
        assert reader.response().status in ({400} if which == "a method" else {431})
        assert reader.is_closed()


def test_a_head_of_60_kib_is_read(patient: Webhook) -> None:
    assert exchange(patient, request(body(), headers=(f"X: {'x' * (60 << 10)}",)))[0] == 200


CHUNKED = request(b"", headers=("Transfer-Encoding: chunked",))


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"POST /", b"x" * 4096),
        (b"POST / HTTP/1.1\r\nX: ", b"x" * 4096),
        (b"POST / HTTP/1.1\r\n", b"X: x\r\n" * 512),
        (b"", b"\r\n" * 2048),
        (CHUNKED + b"1;", b"x" * 4096),
        (CHUNKED + b"0\r\n", b"X: x\r\n" * 512),
        (CHUNKED + b"0\r\nX: ", b"x" * 4096),
    ],
    ids=["path", "header", "headers", "empty lines", "chunk extension", "trailers", "trailer"],
)
def test_what_has_no_end_is_cut_off(quick: Webhook, start: bytes, more: bytes) -> None:
    """By its size: this webhook would wait longer than the test does."""
    with quick.connect() as connection:
        with suppress(ConnectionError, ssl.SSLError):
            connection.sendall(start + more * (4 * LARGEST_HEAD // len(more)))
        reader = Reader(connection)
        with suppress(ConnectionError, ssl.SSLError):
            assert reader.response().status in (400, 431)
        assert reader.is_closed()
    assert exchange(quick, request(body()))[0] == 200


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("part", [1, 30, -1])
@pytest.mark.parametrize("drip", [False, True])
def test_who_does_not_finish_a_request_is_cut_off(
    patient: Webhook, plain: bool, part: int, drip: bool
) -> None:
    """Slow-loris, in the head and in the body: a byte now and then does not help."""
    with patient.connect(plain=plain) as connection:
        connection.sendall(request(body())[:part] if part != 30 else request(b"")[:part])
        connection.settimeout(RECEIVE / 5)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                if drip and part == 30:
                    connection.sendall(b"x")
                received = connection.recv(1024)
            except TimeoutError:
                continue
            except (ConnectionError, ssl.SSLError):
                break
            if not received:
                break
        assert time.monotonic() < end, "still open"


def test_who_does_not_wait_for_answers_is_cut_off(patient: Webhook) -> None:
    ask = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 1000
    with patient.connect(plain=True) as connection:
        with pytest.raises(ConnectionError):
            flood(connection, ask * 2000)
        assert exchange(patient, request(body()))[0] == 200


@pytest.mark.parametrize("reset", [False, True])
def test_clients_that_vanish_leave_nothing_behind(reset: bool) -> None:
    this = psutil.Process()
    with webhook(receive_seconds=PATIENCE * 2) as served:
        assert exchange(served, request(body()))[0] == 200
        gc.collect()
        before = this.num_fds()
        for cut in (0, 10, 200, -1, None):
            for _ in range(5):
                connection = served.connect()
                connection.sendall(request(body())[:cut])
                if reset:
                    linger = b"\x01\0\0\0\0\0\0\0"  # struct linger: on, 0 s: a RST
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                connection.close()
        assert until(lambda: this.num_fds() <= before)
        with served.connect(plain=True) as probe:
            probe.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
            assert b"\ninitshim_reviews_in_flight 0.0\n" in Reader(probe).response().body
        assert {line["level"] for line in served.lines} == {"info"}
