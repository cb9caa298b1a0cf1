"""One peer on the pod network: it reaches both ports, and speaks whatever it likes there."""

import asyncio
from contextlib import suppress
from itertools import count

from tests.attacks.arena import Arena, never
from tests.attacks.attack import Attacks
from tests.attacks.tenant import NAMESPACE
from tests.attacks.wire import Peer, Streams, get, post
from tests.fakes.reviews import body, pod

attacks = Attacks("a peer on the pod network")
_CONNECTIONS = 600  # more than the cap
_MIB = 1 << 20
_NUMBERS = count()


async def _opened(peer: Peer, count: int, said: bytes = b"") -> list[Streams]:
    """Open connections, a few at a time, and say something on each."""
    made: list[Streams] = []

    async def one() -> None:
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(10):
                streams = await peer.open()
                made.append(streams)
                if said:
                    streams[1].write(said)

    for at in range(0, count, 50):
        await asyncio.gather(*(one() for _ in range(min(50, count - at))))
    return made


async def _said(streams: list[Streams], content: bytes) -> None:
    """Say it on each, for as long as they listen."""

    async def say(writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(5):
                writer.write(content)
                await writer.drain()

    await asyncio.gather(*(say(writer) for _, writer in streams))


def _drop(streams: list[Streams]) -> None:
    for _, writer in streams:
        writer.transport.abort()


async def held(peer: Peer, count: int, said: bytes = b"", *, seconds: float = 2.0) -> None:
    made = await _opened(peer, count, said)
    await asyncio.sleep(seconds)
    _drop(made)


@attacks("idle after one GET", "600 TLS connections with one `GET /` each, then idle", quick=True)
async def idle(arena: Arena) -> None:
    await held(arena.stranger(), _CONNECTIONS, get("/"))


@attacks("idle after a review", "600 TLS connections with a true review each, then idle")
async def idle_reviewers(arena: Arena) -> None:
    await held(arena.stranger(), _CONNECTIONS, post(body(pod(), namespace="hostile")))


@attacks("many sources", "600 connections of 200 addresses, idle after a GET, or after a review")
async def many_sources(arena: Arena) -> None:
    peers = [Peer(arena.webhook.port, arena.tls, f"127.1.0.{at}") for at in range(1, 201)]
    review = post(body(pod(), namespace="hostile"))
    made = await asyncio.gather(
        *(_opened(peer, 3, get("/") if at % 2 else review) for at, peer in enumerate(peers))
    )
    await asyncio.sleep(2)
    for each in made:
        _drop(each)


@attacks("silent connections", "600 connections that never begin their handshake, over and over")
async def silent(arena: Arena) -> None:
    peer = Peer(arena.webhook.port, None, "127.0.0.3")
    await held(peer, _CONNECTIONS)


@attacks("handshakes", "as many TLS handshakes as it can, each dropped at once")
async def handshakes(arena: Arena) -> None:
    _drop(await _opened(arena.stranger(), 400))


@attacks(
    "the probes' port",
    "600 connections with one `GET /` each, on its port",
)
async def probes(arena: Arena) -> None:
    await held(arena.stranger(plain_port=True), _CONNECTIONS, get("/"))


@attacks("metrics without end", "64 connections that ask for /metrics all the time")
async def metrics(arena: Arena) -> None:
    peer = arena.stranger(plain_port=True)
    calls = (peer.call(get("/metrics")) for _ in range(64))
    await asyncio.gather(*calls, return_exceptions=True)
    peer.close()


@attacks(
    "held bodies",
    "40 bodies of up to 8 MiB that lack their last byte, again and again",
)
async def held_bodies(arena: Arena) -> None:
    for size in (8 * _MIB, 3 * _MIB, _MIB, 60_000):
        content = post(b" " * (size - 1), length=size)
        peer = arena.stranger()
        made = await _opened(peer, 10)
        for _, writer in made:
            with suppress(OSError):
                writer.write(content)
        await asyncio.sleep(2)
        _drop(made)


@attacks("held small bodies", "400 bodies of 60 KB that lack their last byte, again and again")
async def held_small_bodies(arena: Arena) -> None:
    size = 60_000
    made = await _opened(arena.stranger(), 400)
    await _said(made, post(b" " * (size - 1), length=size))
    await asyncio.sleep(2)
    _drop(made)


@attacks("in another's name", "reviews of the others' namespace: heavy pods, slow registries")
async def in_anothers_name(arena: Arena) -> None:
    arena.hostile = never
    heavy = pod(
        containers=[{"name": f"c{at}", "image": "x", "command": ["/x"]} for at in range(250)]
    )
    slow = [
        pod(containers=[{"name": "c", "image": f"{arena.registry}/o{next(_NUMBERS)}:1"}])
        for _ in range(200)
    ]
    bodies = [body(each, namespace=NAMESPACE) for each in (*[heavy] * 50, *slow)]
    await arena.post(*bodies, peer=arena.stranger())


@attacks("names that it makes up", "reviews of 300 namespaces that nobody has, all at once")
async def made_up_names(arena: Arena) -> None:
    arena.hostile = never
    made = pod(
        containers=[
            {"name": f"c{at}", "image": f"{arena.registry}/m{next(_NUMBERS)}:1"} for at in range(20)
        ]
    )
    bodies = [body(made, namespace=f"made-up-{next(_NUMBERS)}") for _ in range(300)]
    await arena.post(*bodies, peer=arena.stranger())


@attacks("bodies that are none", '8 MiB of `{"a":1},…` and of `[],…`, eight at once')
async def no_reviews(arena: Arena) -> None:
    for piece in (b'{"a":1},', b"[],", b'"",', b"1,"):
        content = b"[" + piece * (7 * _MIB // len(piece)) + b"1]"
        await arena.post(*[content] * 8, peer=arena.stranger())


@attacks("true reviews", "64 connections that send true reviews as fast as they are answered")
async def true_reviews(arena: Arena) -> None:
    content = body(pod(), namespace="hostile")
    await arena.post(*[content] * 64, peer=arena.stranger())


@attacks("slow senders", "500 requests, a byte a second")
async def slow(arena: Arena) -> None:
    made = await _opened(arena.stranger(), 500, post(b"{}", length=1000)[:-2])
    for _ in range(3):
        for _, writer in made:
            with suppress(OSError):
                writer.write(b" ")
        await asyncio.sleep(1)
    _drop(made)


@attacks("no HTTP", "header lines, chunk extensions, trailers and pipelines without an end")
async def no_http(arena: Arena) -> None:
    head = b"POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"
    endless = (
        head + b"A: " + b"x" * _MIB,
        head + b"A: b\r\n" * 200_000,
        chunked + b"1;" + b"x" * _MIB,
        chunked + b"0\r\n" + b"A: b\r\n" * 200_000,
        get("/nowhere") * 20_000,
    )
    for each in endless:
        await held(arena.stranger(), 50, each, seconds=0.5)


@attacks("answers that nobody reads", "100 reviews of 3.5 MiB that get as much back, and leave it")
async def unread(arena: Arena) -> None:
    big = pod(containers=[{"name": "c", "image": "a", "command": ["/a", "x" * (7 * _MIB // 2)]}])
    peer = arena.stranger()
    for _ in range(10):
        made = await _opened(peer, 10)
        for _, writer in made:
            writer.transport.pause_reading()  # type: ignore[attr-defined]
        await _said(made, post(body(big, namespace="hostile")))
        arena.held += made
    _drop(arena.held[:-300])
    del arena.held[:-300]


@attacks("chunks of one byte", "bodies of half a megabyte in chunks of a byte each")
async def chunks(arena: Arena) -> None:
    head = b"POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    content = head + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * (_MIB // 2)
    made = await _opened(arena.stranger(), 10)
    await _said(made, content)
    _drop(made)


@attacks("slow heads", "500 requests whose head comes a byte a second")
async def slow_heads(arena: Arena) -> None:
    made = await _opened(arena.stranger(), 500, b"POST /mut")
    for letter in b"ate":
        await _said(made, bytes([letter]))
        await asyncio.sleep(1)
    _drop(made)


@attacks("slow handshakes", "500 handshakes that come a byte at a time, and never to an end")
async def slow_handshakes(arena: Arena) -> None:
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"r" * 32
    made = await _opened(Peer(arena.webhook.port, None, "127.0.0.3"), 500)
    for at in range(0, len(hello), 10):
        await _said(made, hello[at : at + 10])
        await asyncio.sleep(0.5)
    _drop(made)


@attacks("half closed", "connections that send a request and then their end, on both ports")
async def half_closed(arena: Arena) -> None:
    for plain in (True, False):
        made = await _opened(arena.stranger(plain_port=plain), 300, get("/metrics"))
        for _, writer in made:
            with suppress(OSError):
                if writer.can_write_eof():
                    writer.write_eof()
        await asyncio.sleep(1)
        _drop(made)
