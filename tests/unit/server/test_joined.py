"""An answer's head and the begin of its body are one write; nothing that was written is lost."""

import asyncio

import pytest

from webhook.server.joined import Joined

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


class Written(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: object) -> None:
        assert isinstance(data, bytes)
        self.writes.append(data)

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


@pytest.fixture
def transport() -> Written:
    return Written()


@pytest.fixture
def joined(transport: Written) -> Joined:
    return Joined(transport)


def test_head_and_body_are_one_write(joined: Joined, transport: Written) -> None:
    joined.write(HEAD)
    joined.write(b"{}")
    joined.write(HEAD)
    joined.write(b"[]")
    assert transport.writes == [HEAD + b"{}", HEAD + b"[]"]


def test_what_follows_is_written_as_it_comes(joined: Joined, transport: Written) -> None:
    for part in (HEAD, b"{", b"}", b""):
        joined.write(part)
    assert transport.writes == [HEAD + b"{", b"}", b""]


def test_a_head_without_a_body_is_written_at_the_answers_end(
    joined: Joined, transport: Written
) -> None:
    joined.write(HEAD)
    joined.flush()
    joined.flush()
    assert transport.writes == [HEAD]


def test_a_client_that_waits_for_leave_to_send_gets_it_at_once(
    joined: Joined, transport: Written
) -> None:
    leave = b"HTTP/1.1 100 Continue\r\n\r\n"
    joined.write(leave)
    assert transport.writes == [leave]


def test_who_closes_leaves_nothing_behind(joined: Joined, transport: Written) -> None:
    joined.write(HEAD)
    joined.close()
    assert transport.writes == [HEAD]
    assert joined.is_closing()


def test_who_aborts_writes_nothing(joined: Joined, transport: Written) -> None:
    joined.write(HEAD)
    joined.abort()
    assert transport.writes == []
    assert joined.is_closing()
