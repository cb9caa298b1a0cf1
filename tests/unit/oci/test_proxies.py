"""HTTP_PROXY, HTTPS_PROXY and NO_PROXY as Go reads them, and a proxy that is really used."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_network

import pytest

from tests.fakes.http import Answer, Request, serve
from tests.fakes.lookups import asking, plain
from tests.fakes.registry import Registry, config_bytes
from webhook.core.argv import ImageConfig
from webhook.core.errors import LookupFailed, Unreachable
from webhook.oci.addresses import AddressRule
from webhook.oci.proxied import check_proxied
from webhook.oci.proxies import Proxies

PROXY = "http://user:c4n4ry-p4ssw0rd@proxy.example.com:3128"


@pytest.mark.parametrize(
    ("rule", "host", "direct"),
    [
        ("example.com", "example.com", True),
        ("example.com", "registry.example.com", True),
        ("example.com", "notexample.com", False),
        (".example.com", "registry.example.com", True),
        (".example.com", "example.com", False),
        ("*.example.com", "registry.example.com", True),
        ("EXAMPLE.com", "Registry.Example.COM", True),
        ("example.com:5000", "registry.example.com", True),
        ("example.com:5001", "registry.example.com", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.1.2.3/8", "10.9.9.9", True),
        ("10.0.0.0/8", "registry.example.com", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2", "10.1.2.3", False),
        ("fd00::/8", "[fd00::1]", True),
        ("[::2]", "[::2]", True),
        ("example.com?", "example.com", False),  # no sign has a meaning but the star before all
        ("*", "anything.example.com", True),
        ("a.example.com, b.example.com,", "b.example.com", True),
        ("nonsense/99", "10.1.2.3", False),
        ("", "registry.example.com", False),
        ("", "localhost", True),
        ("", "127.0.0.1", True),
        ("", "::1", True),
    ],
)
def test_no_proxy_is_read_as_go_reads_it(rule: str, host: str, direct: bool) -> None:
    chosen = Proxies(https=PROXY, no_proxy=rule).choose("https", host, 5000)
    assert chosen == (None if direct else PROXY)


def test_each_scheme_has_its_proxy_and_a_bare_host_is_http() -> None:
    proxies = Proxies(http="proxy.example.com:3128", https="")
    assert proxies.choose("http", "r.example.com", 80) == "http://proxy.example.com:3128"
    assert proxies.choose("https", "r.example.com", 443) is None


def test_a_proxys_password_is_not_shown() -> None:
    assert "c4n4ry" not in repr(Proxies(http=PROXY, https=PROXY))


@asynccontextmanager
async def forwarding(seen: list[str]) -> AsyncIterator[str]:
    """Run a proxy that tunnels every CONNECT and forwards every absolute URL to this machine."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(65536):
                writer.write(chunk)
                await writer.drain()
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ")
        shown = [line for line in lines if line.lower().startswith("proxy-authorization")]
        seen.append(f"{method} {target} {shown}")
        port = int(target.removeprefix("http://").split("/")[0].rpartition(":")[2])
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        else:
            path = target.removeprefix("http://").partition("/")[2]
            far_writer.write(f"{method} /{path} HTTP/1.1\r\n".encode())
            far_writer.write("\r\n".join(lines).encode())
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await asyncio.sleep(0.01)


async def test_a_registry_is_asked_through_the_proxy_with_its_password() -> None:
    registry, seen = Registry(), list[str]()
    registry.push("app", "v1", config_bytes(["/app"]))
    async with serve(registry) as host, forwarding(seen) as proxy:
        name = f"registry.example.com:{host.authority.partition(':')[2]}"
        entries = {name: {"plainHTTP": True}}

        async def unknown(host: str, _port: int) -> list[str]:
            if host == "127.0.0.1":
                return [host]
            raise OSError("nobody resolves the world's names here but the proxy")

        proxies = Proxies(http=f"http://me:p%20w@{proxy}")
        async with asking(entries, resolve=unknown, proxies=proxies) as asker:
            assert await asker.config(f"{name}/app:v1") == ImageConfig(("/app",))
        assert seen[0].startswith(f"GET http://{name}/v2/app/manifests/v1")
        assert f"Basic {base64.b64encode(b'me:p w').decode()}" in seen[0]


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "[::1]",
        "localhost",
        "a.localhost",
        "2130706433",
        "0x7f000001",
        "0x7F.1",
        "127.1",
        "127.0.1",
        "0177.0.0.1",
        "017700000001",
        "0",
        "1.2.3.4.5",
        "www.example.com.127",
        "kubernetes",
        "kubernetes.default.svc",
        "metadata.google.internal",
        "printer.local",
        "router.lan",
        "1.0.0.10.in-addr.arpa",
        "wiki.intranet",
        "db.private",
        "git.corp",
        "loopback.example.com",
        "metadata.example.net",
        "inside.example.net",
    ],
)
async def test_a_proxy_is_not_asked_for_what_would_not_be_connected_to(host: str) -> None:
    seen = list[str]()

    async def resolve(name: str, _port: int) -> list[str]:
        known = {
            "127.0.0.1": "127.0.0.1",
            "loopback.example.com": "127.0.0.1",
            "metadata.example.net": "169.254.169.254",
            "inside.example.net": "10.96.0.1",
        }
        if name not in known:
            raise OSError("unknown")
        return [known[name]]

    async with forwarding(seen) as proxy:
        # An https proxy for everything, loopback included: it is not this machine's loopback.
        class All(Proxies):
            __slots__ = ()

            def choose(self, scheme: str, host: str, port: int) -> str | None:  # noqa: ARG002
                return f"http://{proxy}"

        rule = AddressRule(refused=(ip_network("10.96.0.0/12"),))
        async with asking(plain(), resolve=resolve, proxies=All(), rule=rule) as asker:
            with pytest.raises(Unreachable, match=r"not asked|no host and port"):
                await asker.config(f"{host}:5000/app")
    assert seen == []


async def test_what_a_proxy_answers_is_a_reason() -> None:
    async def connected(_r: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    proxies = Proxies(https=f"http://me:c4n4ry-p4ssw0rd@127.0.0.1:{port}")

    async def resolve(name: str, _port: int) -> list[str]:
        return [name] if name == "127.0.0.1" else []

    async with asking(resolve=resolve, proxies=proxies) as asker:
        with pytest.raises(Unreachable, match="407") as caught:
            await asker.config("registry.example.org/app")
        assert "c4n4ry" not in str(caught.value)
    server.close()


@pytest.mark.parametrize("fails", [OSError, TimeoutError, UnicodeError])
async def test_a_public_name_that_only_the_proxy_can_resolve_is_asked_for(
    fails: type[Exception],
) -> None:
    seen = list[str]()

    async def resolve(name: str, _port: int) -> list[str]:
        if name == "127.0.0.1":
            return [name]
        raise fails

    async with serve(Registry()) as host, forwarding(seen) as proxy:
        name = f"registry.example.org:{host.authority.partition(':')[2]}"
        proxies = Proxies(https=f"http://{proxy}")
        async with asking(resolve=resolve, proxies=proxies) as asker:
            with pytest.raises(LookupFailed):
                await asker.config(f"{name}/app:v1")
    assert seen[0].startswith(f"CONNECT {name}")


@pytest.mark.parametrize("host", ["93.184.216.34", "[2606:2800:220:1::1]"])
async def test_a_proxy_is_asked_for_a_public_address_and_no_name_server(host: str) -> None:
    async def resolve(_name: str, _port: int) -> list[str]:
        raise AssertionError

    found = await check_proxied(host, 443, rule=AddressRule(), resolve=resolve, configured=False)
    assert found == (host.strip("[]"),)


@pytest.mark.parametrize(("own", "goes"), [("10.1.1.1", True), ("192.0.2.7", False)])
async def test_through_a_proxy_too_a_private_registry_alone_leads_to_a_private_address(
    own: str, goes: bool
) -> None:
    async def lead(request: Request) -> Answer:
        port = request.headers["host"].partition(":")[2]
        return Answer(307, {"Location": f"https://inside.example.com:{port}/x"})

    async def resolve(name: str, _port: int) -> list[str]:
        known = {"127.0.0.1": "127.0.0.1", "inside.example.com": "10.9.9.9"}
        return [known.get(name, own)]

    seen = list[str]()
    async with serve(lead) as host, forwarding(seen) as proxy:
        name = f"registry.corp.example:{host.authority.partition(':')[2]}"
        proxies = Proxies(http=f"http://{proxy}", https=f"http://{proxy}")
        async with asking(plain(name), resolve=resolve, proxies=proxies) as asker:
            with pytest.raises(Unreachable, match="TLS" if goes else "a private address"):
                await asker.config(f"{name}/app:v1")
    assert any(each.startswith("CONNECT inside.example.com:") for each in seen) is goes
