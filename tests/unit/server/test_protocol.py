"""The settings reach uvicorn, and who does not read is not waited for."""

import asyncio
import contextlib
import gc
import socket
import ssl
import weakref
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trustme
import uvloop
from starlette.types import Receive, Scope, Send

from webhook.core.errors import BadSettings
from webhook.server.connections import ConnectionLimits
from webhook.server.listen import Server, server
from webhook.server.protocol import LARGEST_HEAD, MOST_HEADERS, PatientProtocol
from webhook.server.sockets import listen
from webhook.settings import Settings

CHUNK = b"x" * (64 << 10)


class Endless:
    """An application that answers with 256 MiB."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(4096):
            await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
        self.ended.set()


@asynccontextmanager
async def serving(made: Server) -> AsyncIterator[tuple[str, int]]:
    with listen("127.0.0.1", 0) as listener:
        task = asyncio.create_task(made.serve([listener]))
        await made.accepting.wait()
        yield listener.getsockname()
        made.should_exit = True
        await task


async def test_who_does_not_read_the_answer_is_cut_off() -> None:
    app = Endless()
    made = server(app, keep_alive_seconds=600, receive_seconds=0.1)
    async with serving(made) as where:
        with socket.create_connection(where) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            async with asyncio.timeout(20):
                await app.ended.wait()  # what is sent to a lost connection is thrown away


@pytest.mark.parametrize(
    "lines",
    [
        b"GET / HTTP/1.1\r\n" + b"a:\r\n" * 200,
        b"GET / HTTP/1.1\r\n" + b"a:\r\n" * 200 + b"\r\n",
        b"GET / HTTP/1.1\r\n" + b"a:\r\n" * 200_000,
        b"GET / HTTP/1.1\r\na: " + b"b" * (1 << 17),
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"a:\r\n" * 200,
        b"\r\n" * 50_000,
    ],
    ids=[
        "many lines",
        "many lines and an end",
        "lines without end",
        "a long line",
        "many trailers",
        "empty lines",
    ],
)
async def test_a_head_that_costs_too_much_is_refused_and_let_go(lines: bytes) -> None:
    async def wait(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        await asyncio.Event().wait()

    made = server(wait, keep_alive_seconds=600, receive_seconds=600, close_seconds=1)
    async with serving(made) as where:
        reader, writer = await asyncio.open_connection(*where)
        kept: list[int] = []
        writer.write(lines)
        async with asyncio.timeout(20):
            while not reader.at_eof():
                held: Iterable[Any] = made.server_state.connections
                kept += [len(each.headers or ()) for each in held]
                try:
                    answer = await reader.read(1000)
                except ConnectionError:
                    break
                assert not answer or answer.startswith(b"HTTP/1.1 431 ")
        assert max(kept, default=0) <= 2 * MOST_HEADERS
        writer.close()


async def test_white_space_is_no_part_of_a_heads_weight() -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    made = server(answer, keep_alive_seconds=600, receive_seconds=600)
    async with serving(made) as where:
        reader, writer = await asyncio.open_connection(*where)
        lines = b"".join(b"a:%b%d\r\n" % (b" " * 660, number) for number in range(100))
        assert len(lines) > LARGEST_HEAD
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + lines + b"\r\n")
        async with asyncio.timeout(20):
            assert (await reader.read()).startswith(b"HTTP/1.1 204 ")
        writer.close()


async def test_who_has_sent_half_a_review_makes_room_for_a_peer_with_less() -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    one = b"POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
    limits = ConnectionLimits(connections=2)
    made = server(answer, keep_alive_seconds=600, receive_seconds=600, limits=limits)
    async with serving(made) as where, asyncio.timeout(20):
        held = [await asyncio.open_connection(*where, local_addr=("127.0.0.9", 0)) for _ in "ab"]
        for reader, writer in held:
            writer.write(one + one[:20])  # a review, and half of the next one
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204 ")
        reader, writer = await asyncio.open_connection(*where)
        writer.write(one)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204 ")
        writer.close()
        cut = [asyncio.ensure_future(reader.read()) for reader, _ in held]
        done, left = await asyncio.wait(cut, return_when=asyncio.FIRST_COMPLETED)
        assert [each.result() for each in done] == [b""]
        for each in left:
            each.cancel()
        for _, writer in held:
            writer.close()


async def test_a_body_that_comes_with_its_head_is_no_part_of_it() -> None:
    """A head is weighed alone, whatever empty lines came before it and whatever comes behind."""

    async def count(_scope: Scope, receive: Receive, send: Send) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message["body"]), message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(size).encode()})

    made = server(count, keep_alive_seconds=600, receive_seconds=600)
    async with serving(made) as where:
        reader, writer = await asyncio.open_connection(*where)
        head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 200000\r\n\r\n"
        writer.write(head + b"x" * 200_000)
        async with asyncio.timeout(20):
            assert (await reader.read()).endswith(b"\r\n\r\n6\r\n200000\r\n0\r\n\r\n")
        writer.close()


async def test_a_large_answer_before_a_close_is_read_to_its_end() -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        length = (b"content-length", b"%d" % (64 * len(CHUNK)))
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": CHUNK * 64})

    made = server(answer, keep_alive_seconds=600, receive_seconds=600)
    async with serving(made) as where:
        reader, writer = await asyncio.open_connection(*where)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(20):
            assert len((await reader.read()).partition(b"\r\n\r\n")[2]) == 64 * len(CHUNK)
        writer.close()


async def test_who_still_shakes_hands_is_let_go_when_the_server_closes() -> None:
    authority = trustme.CA()
    tls, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.configure_trust(trusting)
    made = server(Endless(), keep_alive_seconds=600, receive_seconds=600, tls=tls)
    async with serving(made) as where:
        reader, writer = await asyncio.open_connection(*where)
        _, behind = await asyncio.open_connection(*where, ssl=trusting)  # so the first is let in
        made.should_exit = True
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        writer.close()
        behind.close()


@pytest.mark.parametrize(("behind", "answers"), [(4, 5), (5, 0)])
async def test_four_requests_may_wait_behind_the_one_that_is_answered(
    behind: int, answers: int
) -> None:
    """Who sends more is cut off: an answer now would be taken for another request's."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    one = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    last = one.replace(b"Host: a", b"Host: a\r\nConnection: close")
    made = server(answer, keep_alive_seconds=600, receive_seconds=600, close_seconds=1)
    async with serving(made) as where:
        reader, writer = await asyncio.open_connection(*where)
        writer.write(one * behind + last)  # in one piece: all are read before one is answered
        try:
            async with asyncio.timeout(20):
                said = await reader.read()
        except ConnectionError:
            said = b""
        writer.close()
    assert said.count(b"HTTP/1.1 ") == said.count(b"HTTP/1.1 204 ") == answers


def test_of_a_closed_connection_nothing_waits_for_the_garbage_collector() -> None:
    """Its buffers are large, and the collector looks seldom."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def run() -> None:
        made = server(answer, keep_alive_seconds=600, receive_seconds=600)
        async with serving(made) as where:
            reader, writer = await asyncio.open_connection(*where)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            freed = asyncio.Event()
            for protocol in made.server_state.connections:
                weakref.finalize(protocol, freed.set)
            del protocol
            writer.close()
            async with asyncio.timeout(20):
                await freed.wait()

    gc.disable()
    try:
        uvloop.run(run())
    finally:
        gc.enable()


def test_idle_connections_outlast_the_api_servers_90_seconds_semantics_5() -> None:
    settings = Settings()
    made = server(
        Endless(),
        keep_alive_seconds=settings.keep_alive_seconds,
        receive_seconds=settings.receive_seconds,
    )
    assert made.config.timeout_keep_alive > 90


@pytest.mark.parametrize(("given", "used"), [(0.4, 1), (1, 1), (1.5, 2), (120.0, 120)])
def test_a_keep_alive_time_is_never_cut_to_nothing(given: float, used: int) -> None:
    made = server(Endless(), keep_alive_seconds=given, receive_seconds=1)
    assert made.config.timeout_keep_alive == used


def test_a_port_that_somebody_has_is_named() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(BadSettings, match=rf"127\.0\.0\.1, port {port}: .*in use") as caught:
            listen("127.0.0.1", port)
    assert caught.value.next_step


def test_an_address_that_is_none_is_named() -> None:
    with pytest.raises(BadSettings, match=r"can't listen on 203\.0\.113\.9, port 0"):
        listen("203.0.113.9", 0)


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_every_address_is_listened_on_where_none_is_named() -> None:
    with listen("", 0) as listener:
        port = listener.getsockname()[1]
        socket.create_connection(("127.0.0.1", port)).close()
        if has_ipv6():
            socket.create_connection(("::1", port)).close()


async def test_an_answer_in_two_writes_waits_for_no_acknowledgement() -> None:
    """asyncio sets TCP_NODELAY by itself where it opens the socket, and leaves it off otherwise."""
    taken: asyncio.Queue[int] = asyncio.Queue()

    def accepted(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        taken.put_nowait(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    with listen("127.0.0.1", 0) as listener:
        async with await asyncio.start_server(accepted, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            async with asyncio.timeout(20):
                assert await taken.get() == 1
            writer.close()


async def test_who_waits_to_be_accepted_in_a_crowd_costs_no_connection() -> None:
    """The kubelet's probe stands behind all of them."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    made = server(
        answer, keep_alive_seconds=600, receive_seconds=600, limits=ConnectionLimits(connections=4)
    )
    begun: list[object] = []
    make = made._protocol

    def counted() -> PatientProtocol:
        begun.append(None)
        return make()

    made._protocol = counted  # type: ignore[method-assign]
    with contextlib.ExitStack() as stack, listen("127.0.0.1", 0) as listener:
        where = listener.getsockname()
        for _ in range(300):  # more than are accepted at once
            stack.enter_context(socket.create_connection(where))
        task = asyncio.create_task(made.serve([listener]))
        reader, writer = await asyncio.open_connection(*where, local_addr=("127.0.0.9", 0))
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        async with asyncio.timeout(20):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204 ")
        assert len(begun) <= 8
        writer.close()
        made.should_exit = True
        await task
