"""Which authority a registry's certificate may be of: the system's, and those that are given."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpcore
import pytest
import trustme

from tests.fakes.http import Answer, Host, Request, serve
from tests.fakes.lookups import asking
from tests.fakes.registry import Registry, config_bytes
from webhook.core.argv import ImageConfig
from webhook.core.errors import LookupFailed

APP = ImageConfig(("/app",))
AUTHORITY = trustme.CA()
PEM = AUTHORITY.cert_pem.bytes().decode()


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(tls)
    registry = Registry()
    registry.push("app", "v1", config_bytes(["/app"]))
    async with serve(registry, tls=tls) as host:
        yield host


async def config(host: Host, *, more: dict[str, Any] | None = None, **options: Any) -> ImageConfig:
    entry = {"addresses": "127.0.0.0/8", **(more or {})}
    async with asking({host.authority: entry}, **options) as asker:
        return await asker.config(f"{host.authority}/app:v1")


async def test_an_authority_that_is_given_for_all_registries_is_trusted(host: Host) -> None:
    assert await config(host, extra_ca=(PEM,)) == APP


async def test_an_authority_that_is_given_for_one_registry_is_trusted_there(
    host: Host, tmp_path: Path
) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(PEM)
    assert await config(host, more={"ca": str(file)}) == APP


async def test_an_authority_that_the_system_trusts_is_trusted(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(PEM)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    assert await config(host) == APP


async def test_a_registrys_authority_is_trusted_where_the_registry_leads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = httpcore.AnyIOBackend.connect_tcp

    async def connect_tcp(self: Any, _host: str, port: int, *more: Any) -> Any:
        return await real(self, "127.0.0.1", port, *more)

    async def resolve(_host: str, _port: int) -> list[str]:
        return ["192.0.2.7"]

    async def handler(request: Request) -> Answer:
        if "blobs" in request.path and request.headers["host"].startswith("r."):
            store = request.headers["host"].replace("r.", "store.", 1)
            return Answer(307, {"Location": f"https://{store}{request.path}"})
        return await registry(request)

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect_tcp)
    registry, tls = Registry(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    registry.push("app", "v1", config_bytes(["/app"]))
    AUTHORITY.issue_cert("r.example.com", "store.example.com").configure_cert(tls)
    async with serve(handler, tls=tls) as server:
        name = f"r.example.com:{server.authority.partition(':')[2]}"
        async with asking({name: {"ca": PEM}}, resolve=resolve) as asker:
            assert await asker.config(f"{name}/app:v1") == APP
    assert server.requests[-1].headers["host"].startswith("store.example.com:")


async def test_no_other_authority_is_trusted(host: Host) -> None:
    for given in ((), (trustme.CA().cert_pem.bytes().decode(),)):
        with pytest.raises(LookupFailed) as caught:
            await config(host, extra_ca=given)
        assert str(caught.value) == "127.0.0.1 shows a certificate that is not trusted"
        assert caught.value.next_step == "Give its authority as `ca` in the registries file."
    assert host.requests == []


async def test_a_host_that_speaks_no_tls_is_said_to_and_what_to_do_about_it() -> None:
    async with serve(Registry()) as host:
        with pytest.raises(
            LookupFailed, match=r"^127\.0\.0\.1 does not speak TLS as expected: .*SSL"
        ) as caught:
            await config(host)
    assert (
        caught.value.next_step == "If it speaks plain HTTP, set plainHTTP in the registries file."
    )
