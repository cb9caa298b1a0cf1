"""A live SSLContext takes a new certificate, and is not broken by a bad one (semantics §6)."""

import asyncio
import ssl
import tempfile
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from webhook.tls import context
from webhook.tls.issue import authority, leaf
from webhook.tls.pair import BadCertificate, Pair

NOW = datetime.now(UTC)
CA = authority(now=NOW, life=timedelta(days=1))
NAME = "localhost"


def pair() -> Pair:
    return leaf(CA, names=[NAME], now=NOW, life=timedelta(hours=1))


def mismatched() -> Pair:
    return replace(pair(), key=pair().key)


class Conversation:
    """A client of a real server on a real socket, which echoes lines."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        served = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        self.served = ssl.DER_cert_to_PEM_cert(served).strip()

    async def say(self, text: bytes) -> bytes:
        self.writer.write(text + b"\n")
        return (await self.reader.readline()).strip()

    async def end(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line)
    writer.close()


async def meet(port: int) -> Conversation:
    client = ssl.create_default_context(cadata=CA.chain.decode())
    return Conversation(*await asyncio.open_connection(NAME, port, ssl=client))


def pem(served: Pair) -> str:
    return served.certificate.pem.strip()


async def test_a_mismatched_pair_leaves_the_old_certificate_serving() -> None:
    live, first, second = context.server_context(), pair(), pair()
    context.load(live, first)
    server = await asyncio.start_server(echo, NAME, 0, ssl=live)
    async with server:
        port = server.sockets[0].getsockname()[1]
        old = await meet(port)
        assert old.served == pem(first)
        with pytest.raises(BadCertificate, match="can't be served"):
            context.load(live, mismatched())
        after = await meet(port)
        assert after.served == pem(first)
        context.load(live, second)
        new = await meet(port)
        assert new.served == pem(second)
        for conversation in (old, after, new):  # a reload ends no connection
            assert await conversation.say(b"hello") == b"hello"
            await conversation.end()


async def test_without_the_scratch_context_the_live_one_breaks(tmp_path: Path) -> None:
    """The reason for it. If OpenSSL ever learns better, the scratch context can go."""
    live, bad = context.server_context(), mismatched()
    context.load(live, pair())
    (tmp_path / "bad").write_bytes(bad.chain + bad.key)
    with pytest.raises(ssl.SSLError):
        live.load_cert_chain(tmp_path / "bad")

    server = await asyncio.start_server(echo, NAME, 0, ssl=live)
    async with server:
        with pytest.raises((ssl.SSLError, OSError)):
            await meet(server.sockets[0].getsockname()[1])


def test_nothing_older_than_tls_1_2_is_spoken_and_no_handshake_is_repeated() -> None:
    live = context.server_context()
    assert live.minimum_version is ssl.TLSVersion.TLSv1_2
    assert live.options & ssl.OP_NO_RENEGOTIATION


def agree(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    """Shake hands in memory; SSLError where either side does not want to."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(down, up, server_hostname=NAME), server.wrap_bio(up, down, True)]
    for end in ends * 3:
        with suppress(ssl.SSLWantReadError):
            end.do_handshake()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_only_clients_of_the_named_authorities_are_let_in(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    live, clients = context.server_context(), trustme.CA()
    context.load(live, pair())
    clients.cert_pem.write_to_path(str(tmp_path / "clients.pem"))
    context.require_clients(live, tmp_path / "clients.pem")

    def client_of(authorities: trustme.CA | None) -> ssl.SSLContext:
        client = ssl.create_default_context(cadata=CA.chain.decode())
        client.maximum_version = version
        if authorities:
            authorities.issue_cert("api-server.example").configure_cert(client)
        return client

    agree(live, client_of(clients))
    for stranger in (None, trustme.CA()):
        with pytest.raises(ssl.SSLError, match="certificate"):
            agree(live, client_of(stranger))


def test_a_file_without_an_authority_is_said(tmp_path: Path) -> None:
    for content in (None, b"", b"no certificate"):
        file = tmp_path / "clients.pem"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(BadCertificate) as caught:
            context.require_clients(context.server_context(), file)
        assert str(caught.value).startswith(f"{file} can't be used as the CAs of clients: ")
        assert caught.value.next_step == "Give a PEM bundle with at least one certificate."


def test_no_key_is_left_on_a_disk_or_in_a_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", None)  # there is memory for that
    before = len(list(Path("/proc/self/fd").iterdir()))
    context.load(context.server_context(), pair())
    with pytest.raises(BadCertificate):
        context.load(context.server_context(), mismatched())
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_system_without_files_in_memory_has_the_certificate_in_a_file_for_a_moment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As macOS, where the command line runs, too."""
    monkeypatch.delattr("os.memfd_create")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    context.load(context.server_context(), pair())
    with pytest.raises(BadCertificate):
        context.load(context.server_context(), mismatched())
    assert list(tmp_path.iterdir()) == []


async def test_http_1_1_is_agreed_on_whatever_a_client_likes_better() -> None:
    live = context.server_context()
    context.load(live, pair())
    client = ssl.create_default_context(cadata=CA.chain.decode())
    client.set_alpn_protocols(["h2", "http/1.1"])
    async with await asyncio.start_server(echo, NAME, 0, ssl=live) as server:
        port = server.sockets[0].getsockname()[1]
        conversation = Conversation(*await asyncio.open_connection(NAME, port, ssl=client))
        tls = conversation.writer.get_extra_info("ssl_object")
        assert tls.selected_alpn_protocol() == "http/1.1"
        await conversation.end()
