"""A registry of the attacker's own: pods name it, and it answers as it likes."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count, cycle
from pathlib import Path
from typing import Any

from tests.attacks.arena import Arena, never
from tests.attacks.attack import Attacks
from tests.attacks.wire import SILENT
from tests.fakes.http import Answer, Request
from tests.fakes.registry import OCI_INDEX, OCI_MANIFEST, config_bytes, digest, manifest_bytes
from tests.fakes.reviews import pod

attacks = Attacks("a registry")
_NUMBERS = count()
PROGRAMS = Path(__file__).parent / "programs"
_MIB = 1 << 20
Handler = Callable[[Request], Awaitable[Answer]]


def _pods(host: str, pods: int, containers: int) -> list[dict[str, Any]]:
    """Pods whose images nobody has looked up yet."""
    return [
        pod(
            containers=[
                {"name": f"c{at}", "image": f"{host}/h{next(_NUMBERS)}:1"}
                for at in range(containers)
            ]
        )
        for _ in range(pods)
    ]


def _json(content: object) -> bytes:
    return json.dumps(content).encode()


def always(content: bytes, kind: str = OCI_MANIFEST, status: int = 200, **headers: str) -> Handler:
    """A registry that gives the same answer to everything."""

    async def answer(_request: Request) -> Answer:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return Answer(status, {"Content-Type": kind, **named}, content)

    return answer


async def asked(arena: Arena, handler: Handler, pods: int = 4, containers: int = 4) -> None:
    arena.hostile = handler
    await arena.create(*_pods(arena.registry, pods, containers))


@attacks("floods of JSON", "4 MiB of `[],[],…`, of no JSON, of a padded manifest")
async def floods(arena: Arena) -> None:
    inner = b"[" + b"[]," * (4 * _MIB // 3 - 10) + b"[]]"
    good = manifest_bytes(config_bytes(["/a"]))
    for content in (inner, b"x" * (4 * _MIB - 1), good[:-1] + b" " * (4 * _MIB - len(good)) + b"}"):
        await asked(arena, always(content))


@attacks("answers without an end", "bodies that go on for ever, fast and slowly")
async def endless(arena: Arena) -> None:
    def streaming(piece: bytes, pause: float) -> Handler:
        async def pieces() -> AsyncIterator[bytes]:
            while True:
                yield piece
                await asyncio.sleep(pause)

        async def answer(_request: Request) -> Answer:
            return Answer(200, {"Content-Type": OCI_MANIFEST}, pieces())

        return answer

    await asked(arena, streaming(b"[" * 65536, 0))
    await asked(arena, streaming(b" ", 0.2))


@attacks("bombs", "gzip that becomes 1 GiB, and headers of megabytes")
async def bombs(arena: Arena) -> None:
    bomb = gzip.compress(b"[" * (64 * _MIB))
    await asked(arena, always(bomb, Content_Encoding="gzip"))
    await asked(arena, always(b"{}", X="x" * (2 * _MIB)))
    many = {f"X{at}": "y" for at in range(20_000)}
    await asked(arena, always(b"{}", OCI_MANIFEST, 200, **many))


@attacks("103 Early Hints", "informational responses without an end, and no answer")
async def hints(arena: Arena) -> None:
    async def answer(_request: Request) -> Answer:
        return Answer(raw=b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" * 100_000)

    await asked(arena, answer, pods=8, containers=8)


@attacks("heads", "heads of 15,000 lines, of many cookies, without an end; and bodies that dangle")
async def heads(arena: Arena) -> None:
    begin = b"HTTP/1.1 200 X\r\n"
    lines = begin + b"a:\r\n" * 15_000 + b"Transfer-Encoding: chunked\r\n\r\n"
    cookies = begin + b"Set-Cookie: a=b\r\n" * 4_000 + b"Content-Length: 9\r\n\r\n"
    few = begin + b"a:\r\n" * 200 + b"Content-Length: 9\r\n\r\n"
    for head in (lines, cookies, few, begin + b"a: " + b"b" * 90_000):

        async def answer(_request: Request, head: bytes = head) -> Answer:
            async def dangling() -> AsyncIterator[bytes]:
                yield b""
                await asyncio.sleep(3)

            return Answer(raw=head, body=dangling())

        await asked(arena, answer, pods=16)


@attacks("drips", "heads and bodies of which a byte comes every 100 ms")
async def drips(arena: Arena) -> None:
    async def dripping(content: bytes) -> AsyncIterator[bytes]:
        for at in range(len(content)):
            yield content[at : at + 1]
            await asyncio.sleep(0.1)

    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b" " * 1000

    async def answer(_request: Request) -> Answer:
        return Answer(raw=b"", body=dripping(head))

    await asked(arena, answer, pods=32)


@attacks("tokens", "a token server whose tokens are of 64 KB, of a megabyte, another one each time")
async def tokens(arena: Arena) -> None:
    realm = f'Bearer realm="http://{arena.registry}/token",service="a",scope="b"'
    config = config_bytes(["/a"])
    sizes = cycle([65_000, 65_000, 65_000, 1_000_000])

    async def answer(request: Request) -> Answer:
        if request.path == "/token":
            token = f"{next(_NUMBERS)}".rjust(next(sizes), "t")
            return Answer(200, {"Content-Type": "application/json"}, _json({"token": token}))
        if "authorization" not in request.headers:
            return Answer(401, {"WWW-Authenticate": realm})
        content = config if "/blobs/" in request.path else manifest_bytes(config)
        return Answer(200, {"Content-Type": OCI_MANIFEST}, content)

    await asked(arena, answer, pods=32)


@attacks("long programs", "images that run 128 KB, or 500 words, named by 250 containers each")
async def programs(arena: Arena) -> None:
    long = (["$" * 120_000], ["\x01" * 100_000], ["/a", *["a/init"] * 500], ["/a"] * 500_000)
    for argv in long:
        config = config_bytes(argv)

        async def answer(request: Request, config: bytes = config) -> Answer:
            content = config if "/blobs/" in request.path else manifest_bytes(config)
            return Answer(200, {"Content-Type": OCI_MANIFEST}, content)

        arena.hostile = answer
        image = f"{arena.registry}/p{next(_NUMBERS)}:1"
        many = [{"name": f"c{at}", "image": image} for at in range(250)]
        await arena.create(*[pod(containers=many)] * 8)


@attacks("429 in a shared registry", "images that are limited, in the registry of the others")
async def shared(arena: Arena) -> None:
    pods = [_pods(f"{arena.shared}/limited", 1, 4)[0] for _ in range(16)]
    await arena.create(*pods)


@attacks("large indexes", "an index of 20,000 platforms, each with a manifest of its own")
async def indexes(arena: Arena) -> None:
    platform = {"architecture": "amd64", "os": "linux"}
    entries = [
        {
            "mediaType": OCI_MANIFEST,
            "digest": digest(str(at).encode()),
            "size": 9,
            "platform": platform,
        }
        for at in range(20_000)
    ]
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    content = json.dumps(index).encode()
    await asked(arena, always(content, OCI_INDEX))
    short = b'{"digest":"","size":0},' * 40_000
    await asked(arena, always(b'{"manifests":[' + short[:-1] + b"]}", OCI_INDEX))
    itself = json.dumps({**index, "manifests": entries[:1]}).encode()
    await asked(arena, always(itself, OCI_INDEX))


@attacks("redirects", "redirects in a circle, to loopback, to metadata, to files")
async def redirects(arena: Arena) -> None:
    for where in ("/v2/again", "http://127.0.0.1:1/", "https://169.254.169.254/", "file:///etc"):
        await asked(arena, always(b"", OCI_MANIFEST, 307, Location=where))


@attacks("a slow registry", "512 lookups that are never answered, over and over")
async def slow(arena: Arena) -> None:
    await asked(arena, never, pods=128, containers=4)


@attacks("429", "one image after the other that says 429 with a Retry-After of a year")
async def limited(arena: Arena) -> None:
    await asked(arena, always(b"", OCI_MANIFEST, 429, Retry_After="31536000"), pods=16)


@attacks("silent name servers", "64 host names whose name server says nothing, over and over")
async def names(arena: Arena) -> None:
    hosts = [f"n{next(_NUMBERS)}{SILENT}" for _ in range(64)]
    pods = [each for host in hosts for each in _pods(host, 1, 1)]
    await arena.create(*pods)


@attacks(
    "credential programs",
    "300 host names, for each of which the webhook's `credsStore` takes two seconds",
    docker_config=PROGRAMS / "config.json",
)
async def programs_for(arena: Arena) -> None:
    await arena.create(*[_pods(f"p{next(_NUMBERS)}.invalid", 1, 1)[0] for _ in range(300)])


@attacks("many registries", "500 host names that nobody has, a new one for each container")
async def many(arena: Arena) -> None:
    hosts = [f"r{next(_NUMBERS)}.invalid" for _ in range(250)]
    await arena.create(*[each for host in hosts for each in _pods(host, 1, 1)])
