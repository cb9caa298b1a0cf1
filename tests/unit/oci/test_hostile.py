"""Answers made to hurt: sizes, depths, counts and nonsense are capped before they cost anything."""

import asyncio
import gzip
import json
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace

import httpcore
import pytest

from tests.fakes.http import Answer, Request, serve
from tests.fakes.lookups import asking, plain
from tests.fakes.registry import (
    OCI_INDEX,
    OCI_MANIFEST,
    Registry,
    config_bytes,
    digest,
    entry,
    index_bytes,
    manifest_bytes,
)
from webhook.core.argv import ImageConfig
from webhook.core.errors import BadAnswer, LookupFailed, TimedOut
from webhook.oci import bodies
from webhook.oci.connect import Head
from webhook.oci.manifests import Configuration, Index, configuration, document
from webhook.oci.options import Times

APP = ImageConfig(("/app",))
APP_BYTES = config_bytes(["/app"])
MIB = 1 << 20


async def endless(chunk: bytes = b"x" * 65536) -> AsyncIterator[bytes]:
    while True:
        yield chunk
        await asyncio.sleep(0)


async def drip() -> AsyncIterator[bytes]:
    while True:
        yield b" "
        await asyncio.sleep(0.05)


async def bomb() -> AsyncIterator[bytes]:
    """Some 4 GiB of zeros in some 4 MiB of gzip."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    zeros = bytes(4 * MIB)
    for _ in range(1024):
        yield packer.compress(zeros) or b""
        await asyncio.sleep(0)


async def bombed() -> AsyncIterator[bytes]:
    """Like `bomb`, without empty chunks, which would end the body."""
    async for chunk in bomb():
        if chunk:
            yield chunk


@pytest.mark.parametrize("status", [200, 401, 404, 307, 500])
@pytest.mark.parametrize("kind", ["endless", "bomb"])
async def test_a_body_without_end_is_cut_off_whatever_the_status(status: int, kind: str) -> None:
    async def handler(_request: Request) -> Answer:
        headers = {"WWW-Authenticate": "Basic realm=x", "Location": "/elsewhere"}
        if kind == "bomb":
            headers["Content-Encoding"] = "gzip"
        return Answer(status, headers, endless() if kind == "endless" else bombed())

    async with serve(handler) as host, asking(plain(host.authority)) as asker:
        tracemalloc.start()
        try:
            with pytest.raises(BadAnswer, match="sent more than 1,048,576 bytes"):
                await asker.config(f"{host.authority}/app:v1", seconds=60)
            assert tracemalloc.get_traced_memory()[1] < 40 * MIB
        finally:
            tracemalloc.stop()


async def test_a_body_that_drips_ends_with_the_deadline() -> None:
    async def handler(_request: Request) -> Answer:
        return Answer(200, {}, drip())

    limit = Times(lookup=0.4)
    async with serve(handler) as host, asking(plain(host.authority), times=limit) as asker:
        with pytest.raises(TimedOut):
            await asker.config(f"{host.authority}/app:v1")


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP", "deflate"])
async def test_what_was_not_asked_to_be_packed_is_read_all_the_same(coding: str) -> None:
    registry = Registry()
    registry.push("app", "v1", APP_BYTES)

    async def handler(request: Request) -> Answer:
        assert request.headers["accept-encoding"] == "identity"
        answer = await registry(request)
        assert isinstance(answer.body, bytes)
        headers = {**answer.headers, "Content-Encoding": coding}
        pack = zlib.compress if coding == "deflate" else gzip.compress
        return replace(answer, headers=headers, body=pack(answer.body))

    async with serve(handler) as host, asking(plain(host.authority)) as asker:
        assert await asker.config(f"{host.authority}/app:v1") == APP


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip"])
async def test_an_encoding_that_is_not_known_is_not_guessed_at(coding: str) -> None:
    body = gzip.compress(manifest_bytes(APP_BYTES))

    async def handler(_request: Request) -> Answer:
        return Answer(200, {"Content-Encoding": coding}, body)

    async with serve(handler) as host, asking(plain(host.authority)) as asker:
        with pytest.raises(BadAnswer, match="an encoding that was not asked for"):
            await asker.config(f"{host.authority}/app:v1")


@pytest.mark.parametrize("coding", ["br", "gzip", "zstd", "gzip, gzip", "deflate"])
async def test_encodings_that_can_not_be_read_are_bad_answers(coding: str) -> None:
    async def handler(_request: Request) -> Answer:
        return Answer(200, {"Content-Encoding": coding}, b"this is none of that")

    async with serve(handler) as host, asking(plain(host.authority)) as asker:
        with pytest.raises(BadAnswer):
            await asker.config(f"{host.authority}/app:v1")


CONFIG = {"mediaType": "x", "digest": digest(APP_BYTES), "size": len(APP_BYTES)}
BAD_MANIFESTS: dict[str, bytes] = {
    "no json": b"<html>",
    "empty": b"",
    "a list": b"[]",
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "not utf-8": b'{"config": "\xff\xfe"}',
    "nothing": b"{}",
    "both": json.dumps({"config": CONFIG, "layers": [], "manifests": []}).encode(),
    "type and content differ": json.dumps({"mediaType": OCI_INDEX, "config": CONFIG}).encode(),
    "schema 1": b'{"schemaVersion": 1, "fsLayers": []}',
    "config is text": b'{"config": "x", "layers": []}',
    "no size": json.dumps({"config": {"digest": digest(APP_BYTES)}, "layers": []}).encode(),
    "negative size": json.dumps({"config": {**CONFIG, "size": -1}}).encode(),
    "huge size": json.dumps({"config": {**CONFIG, "size": 1 << 40}}).encode(),
    "short digest": json.dumps({"config": {**CONFIG, "digest": "sha256:00"}}).encode(),
    "md5": json.dumps({"config": {**CONFIG, "digest": "md5:" + "0" * 32}}).encode(),
    "path in digest": json.dumps({"config": {**CONFIG, "digest": "../../secret"}}).encode(),
    "manifests is text": b'{"manifests": "x"}',
    "manifests of text": b'{"manifests": ["x"]}',
    "too many": index_bytes([{}] * 10_001),
    "too many platforms": index_bytes([entry(f"{n}".encode(), "amd64") for n in range(33)]),
}


@pytest.mark.parametrize("name", BAD_MANIFESTS)
async def test_a_manifest_that_makes_no_sense_is_a_bad_answer(name: str) -> None:
    registry = Registry()
    registry.put("app", "v1", BAD_MANIFESTS[name])
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        with pytest.raises(BadAnswer) as caught:
            await asker.config(f"{host.authority}/app:v1")
        assert len(str(caught.value)) < 300


BAD_CONFIGS: dict[str, bytes] = {
    "no json": b"\0",
    "a number": b"7",
    "deep": b"[" * 5000,
    "config is a list": b'{"config": []}',
    "entrypoint is text": b'{"config": {"Entrypoint": "/app"}}',
    "entrypoint of numbers": b'{"config": {"Entrypoint": [1]}}',
    "a NUL": b'{"config": {"Cmd": ["a\\u0000b"]}}',
    "too long": config_bytes(["x" * 300_000]),
}


@pytest.mark.parametrize("name", BAD_CONFIGS)
async def test_a_configuration_that_makes_no_sense_is_a_bad_answer(name: str) -> None:
    registry = Registry()
    registry.push("app", "v1", BAD_CONFIGS[name])
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        with pytest.raises(BadAnswer):
            await asker.config(f"{host.authority}/app:v1")


@pytest.mark.parametrize("config", [b"{}", b'{"config": null}', b'{"config": {"Cmd": null}}'])
async def test_a_configuration_that_says_nothing_runs_nothing(config: bytes) -> None:
    registry = Registry()
    registry.push("app", "v1", config)
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        assert await asker.config(f"{host.authority}/app:v1") == ImageConfig()


async def test_thousands_of_entries_are_read_and_one_counts() -> None:
    registry = Registry()
    other = manifest_bytes(config_bytes(["/other"]))
    noise = [entry(other, "amd64", "windows") for _ in range(3_999)]
    registry.push_index("app", "v1", {"amd64": APP_BYTES}, *noise)
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        assert await asker.config(f"{host.authority}/app:v1") == APP
        assert len(host.requests) == 3


def test_what_can_not_be_used_is_named() -> None:
    with pytest.raises(BadAnswer, match=r"^the manifest can't be used: Expected `array"):
        document(b'{"manifests": "x"}')
    with pytest.raises(
        BadAnswer, match=r"^the image configuration can't be used: Expected `object"
    ):
        configuration(b'{"config": []}')


@pytest.mark.parametrize("told", [{"schemaVersion": 1}, {"fsLayers": []}])
def test_what_is_of_schema_1_is_said_to_be(told: dict[str, object]) -> None:
    with pytest.raises(BadAnswer, match="of Docker's schema 1"):
        document(json.dumps({"config": CONFIG, **told}).encode())


@pytest.mark.parametrize(
    ("told", "hint"),
    [
        ({"StopSignal": "SIGRTMIN+3"}, "STOPSIGNAL SIGRTMIN+3"),
        ({"Env": ["PATH=/bin", "S6_KEEP_ENV=1"]}, "S6_KEEP_ENV"),
        ({"Labels": {"com.redhat.component": "ubi9-init-container"}},
         "label com.redhat.component=ubi9-init-container"),
        ({"Volumes": {}}, ""),
    ],
)  # fmt: skip
def test_what_tells_of_an_init_system_is_read(told: dict[str, object], hint: str) -> None:
    content = {"os": "linux", "architecture": "arm64", "variant": "v8", "config": told}
    read = configuration(json.dumps(content).encode())
    signal = str(told.get("StopSignal", ""))
    assert read == Configuration(ImageConfig((), (), signal, hint), "linux", "arm64", "v8")


def test_a_platforms_words_are_cut() -> None:
    read = configuration(json.dumps({"os": "o" * 40, "architecture": "a" * 40}).encode())
    assert (read.os, read.architecture, read.variant) == ("o" * 32, "a" * 32, "")
    listed = {"digest": "", "size": 1, "platform": {"os": "o" * 40, "architecture": "a" * 40}}
    assert document(index_bytes([listed])) == Index((), (f"{'o' * 32}/{'a' * 32}",))


@pytest.mark.parametrize(
    "raw",
    [
        {"mediaType": OCI_INDEX, "config": CONFIG},
        {"mediaType": OCI_MANIFEST, "manifests": []},
        {"config": CONFIG, "manifests": []},
        {"layers": [], "manifests": []},
        {"mediaType": OCI_INDEX},
        {},
    ],
)
def test_what_could_be_read_as_either_is_neither(raw: dict[str, object]) -> None:
    with pytest.raises(BadAnswer, match="neither an index nor a manifest"):
        document(json.dumps(raw).encode())


def test_what_stands_behind_an_attestation_is_read() -> None:
    image = entry(manifest_bytes(APP_BYTES), "amd64")
    notes = {"vnd.docker.reference.type": "attestation-manifest"}
    attestation = entry(b"attestation", "unknown", "unknown", annotations=notes)
    only = document(index_bytes([image]))
    for listed in ([attestation, image], [image, attestation]):
        assert document(index_bytes(listed)) == only


def test_an_index_of_nothing_is_an_index() -> None:
    for content in (b'{"manifests": null}', b'{"manifests": []}'):
        assert document(content) == Index(())


def test_an_index_lists_ten_thousand_and_no_more() -> None:
    listed = [entry(b"", "amd64", "windows")] * 10_000
    assert document(index_bytes(listed)) == Index((), ("windows/amd64",))
    with pytest.raises(BadAnswer, match="more than 10000"):
        document(index_bytes([*listed, *listed[:1]]))


async def test_an_index_that_is_listed_as_a_manifest_is_a_bad_answer() -> None:
    registry = Registry()
    inner = index_bytes([entry(manifest_bytes(APP_BYTES), "amd64")])
    registry.put("app", "", inner)
    registry.put("app", "v1", index_bytes([entry(inner, "amd64")]))
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        with pytest.raises(BadAnswer, match="of another kind than the index says"):
            await asker.config(f"{host.authority}/app:v1")


@pytest.mark.parametrize(
    "value",
    [
        "x" * 8193,
        "Bearer " + "a=b," * 2000,
        'Bearer realm="' + "\\" * 4000,
        'Bearer realm="' + 'a"' * 4000,
        "Basic " * 1300,
        "," * 8000,
        "=" * 8000,
        '"' * 8000,
        "Negotiate " + "A" * 8000,
        'bEaReR rEaLm = "https://127.0.0.1/t" , , service=',
    ],
)
async def test_a_hostile_challenge_costs_nothing_and_leads_nowhere(value: str) -> None:
    async def handler(_request: Request) -> Answer:
        return Answer(401, {"WWW-Authenticate": value})

    async with serve(handler) as host, asking(plain(host.authority)) as asker:
        with pytest.raises(LookupFailed):
            await asker.config(f"{host.authority}/app:v1")
        assert len(host.requests) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 20_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: \xff\xfe\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\0" * 1000,
    ],
)
async def test_what_is_no_http_is_a_failure_with_a_reason(raw: bytes) -> None:
    async def handler(_request: Request) -> Answer:
        return Answer(raw=raw)

    limit = Times(lookup=2.0)
    async with serve(handler) as host, asking(plain(host.authority), times=limit) as asker:
        with pytest.raises(LookupFailed):
            await asker.config(f"{host.authority}/app:v1")


BEGIN = b"HTTP/1.1 200 OK\r\n"
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"


def weigh(answer: bytes, piece: int) -> None:
    weighed = Head()
    for at in range(0, len(answer), piece):
        weighed.feed(answer[at : at + piece])


@pytest.mark.parametrize("piece", [1, 7, 16_384])
@pytest.mark.parametrize(
    "head",
    [
        BEGIN + b"a:\r\n" * 300,
        BEGIN + b"Set-Cookie: a=b\n" * 300,
        BEGIN + b"a: " + b"b" * 40_000,
        EARLY * 20,
        EARLY + BEGIN + b"a:\r\n" * 300,
    ],
    ids=["many lines", "many cookies", "a long line", "hints", "a hint, then many lines"],
)
def test_a_head_is_weighed_before_it_is_parsed(head: bytes, piece: int) -> None:
    with pytest.raises(httpcore.RemoteProtocolError):
        weigh(head, piece)


@pytest.mark.parametrize("piece", [7, 16_384])
@pytest.mark.parametrize(
    ("most", "more"),
    [
        (BEGIN + b"a:\r\n" * 254 + b"\r\n", b"a:\r\n"),
        (BEGIN + b"a:" + b"b" * (32_768 - len(BEGIN) - 6) + b"\r\n\r\n", b"a"),
        (EARLY * 15 + BEGIN + b"\r\n", EARLY),
    ],
    ids=["256 lines", "32 KiB", "16 heads"],
)
def test_a_head_may_be_so_large_and_no_larger(most: bytes, more: bytes, piece: int) -> None:
    weigh(most, piece)
    with pytest.raises(httpcore.RemoteProtocolError):
        weigh(more + most, piece)


@pytest.mark.parametrize("piece", [1, 7, 16_384])
def test_what_stands_behind_the_head_is_no_part_of_it(piece: int) -> None:
    answer = EARLY * 3 + BEGIN + b"Content-Length: 50000\r\n\r\n" + b"\n" * 50_000
    weigh(answer, piece)


def test_of_the_headers_those_are_kept_that_somebody_reads() -> None:
    many = (
        [(b"Set-Cookie", b"a=b")] * 100 + [(b"Location", b"/a")] + [(b"WWW-Authenticate", b"")] * 99
    )
    answer = httpcore.Response(200, headers=many, content=b"")
    kept = bodies.headers(answer)
    assert len(kept) <= 32
    assert (b"Location", b"/a") in kept
    assert answer.headers == []
