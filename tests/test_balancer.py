"""The balancer of the tests does what kube-proxy does with connections."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.fakes.balancer import Address, Balancer
from tests.integration.controlplane.plane import free_port


@contextmanager
def endpoint(name: bytes) -> Iterator[Address]:
    """Serve connections, each in turn: say who it is, then say again what comes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection:
            connection.sendall(name)
            while said := connection.recv(1 << 16):
                connection.sendall(said)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield listener.getsockname()
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()


@pytest.fixture
def address() -> Address:
    return "127.0.0.1", free_port()


@pytest.fixture
def balancer(address: Address) -> Iterator[Balancer]:
    made = Balancer(*address)
    try:
        yield made
    finally:
        made.stop()


def read(connection: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count and (more := connection.recv(count - len(found))):
        found += more
    return found


def test_new_connections_go_to_the_endpoints_in_turn(balancer: Balancer, address: Address) -> None:
    with endpoint(b"1") as one, endpoint(b"2") as two, ExitStack() as stack:
        balancer.send_to([one, two])
        met = [
            read(stack.enter_context(socket.create_connection(address, 10)), 1) for _ in range(4)
        ]
        assert sorted(met) == [b"1", b"1", b"2", b"2"]


def test_what_is_connected_stays_where_it_is(balancer: Balancer, address: Address) -> None:
    content = bytes(range(256)) * 4096
    with endpoint(b"1") as one, endpoint(b"2") as two:
        balancer.send_to([one])
        with socket.create_connection(address, 10) as first:
            assert read(first, 1) == b"1"
            balancer.send_to([two])
            with socket.create_connection(address, 10) as second:
                assert read(second, 1) == b"2"
            sending = threading.Thread(target=first.sendall, args=(content,))
            sending.start()
            assert read(first, len(content)) == content
            sending.join()
            first.shutdown(socket.SHUT_WR)
            assert first.recv(1) == b""


@pytest.mark.parametrize("endpoints", [[], [("127.0.0.1", 1)]], ids=["none", "none listens"])
def test_without_an_endpoint_that_listens_who_comes_is_reset(
    balancer: Balancer, address: Address, endpoints: list[Address]
) -> None:
    balancer.send_to(endpoints)
    with pytest.raises(ConnectionResetError), socket.create_connection(address, 10) as connection:
        connection.recv(1)


def test_stopping_ends_every_connection(address: Address) -> None:
    balancer = Balancer(*address)
    with endpoint(b"1") as one:
        balancer.send_to([one])
        with socket.create_connection(address, 10) as connection:
            assert read(connection, 1) == b"1"
            balancer.stop()
            assert connection.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, 10)
