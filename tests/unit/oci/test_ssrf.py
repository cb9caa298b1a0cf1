"""Semantics §2: a pod's author chooses the host; where the webhook will not go all the same."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import httpcore
import httpx
import pytest

from tests.fakes.http import Answer, Request, serve
from tests.fakes.lookups import asking, by_number, plain, ring
from tests.fakes.registry import Registry, config_bytes
from webhook.core.credentials import Credential
from webhook.core.errors import BadAnswer, LookupFailed, NotFound, Unreachable
from webhook.oci.addresses import AddressRule, is_private
from webhook.oci.client import Access, Client, Image
from webhook.oci.endpoint import Endpoint

SECRET = "c4n4ry-p4ssw0rd"


def resolving(*answers: Sequence[str]) -> Any:
    """Give each answer once, the last one from then on, and remember who asked."""
    left = list(answers)
    asked: list[str] = []

    async def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return left.pop(0) if len(left) > 1 else left[0]

    resolve.asked = asked  # type: ignore[attr-defined]  # a function may carry notes
    return resolve


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.1",
        "0.0.0.0",
        "169.254.169.254",
        "169.254.1.1",
        "100.100.100.200",
        "100.96.0.96",
        "fd00:42::42",
        "fd00:a9fe:a9fe::1",
        "::ffff:0:127.0.0.1",
        "::ffff:0:8.8.8.8",
        "2001:db8::5efe:169.254.169.254",
        "fd00::200:5efe:127.0.0.1",
        "192.88.99.1",
        "168.63.129.16",
        "192.0.0.192",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b:1:7f00:0:100::",
        "2002:7f00:1::",
        "fe80::1",
        "fe80::1%lo",
        "fd00:ec2::254",
        "fd20:ce::254",
        "ff02::1",
        "nonsense",
    ],
)
async def test_a_name_that_resolves_to_a_refused_address_is_not_connected_to(address: str) -> None:
    async with asking(resolve=resolving([address])) as asker:
        with pytest.raises(Unreachable, match="not asked"):
            await asker.config("registry.example.com/app")


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost"])
async def test_odd_spellings_of_loopback_are_refused_by_what_they_resolve_to(host: str) -> None:
    """The system's resolver turns decimal, octal and hexadecimal numbers into addresses."""
    from webhook.oci.connect import NameResolver

    resolver = NameResolver()
    async with serve(Registry()) as server, asking(resolve=resolver) as asker:
        port = server.authority.partition(":")[2]
        with pytest.raises(Unreachable, match=r"loopback|no host and port"):
            await asker.config(f"{host}:{port}/app")
        assert server.connections == 0
    resolver.close()


async def test_one_refused_address_among_good_ones_refuses_the_name() -> None:
    async with asking(resolve=resolving(["192.0.2.1", "127.0.0.1"])) as asker:
        with pytest.raises(Unreachable, match="loopback"):
            await asker.config("registry.example.com/app")


async def test_the_address_that_was_checked_is_the_one_connected_to() -> None:
    """A name server that gives another answer between check and connect (DNS rebinding)."""

    registry = Registry()
    registry.push("app", "v1", config_bytes(["/app"]))
    async with serve(registry) as host:
        port = host.authority.partition(":")[2]
        name = f"rebind.example.com:{port}"
        entries = {name: {"plainHTTP": True, "addresses": "127.0.0.1/32"}}
        resolve = resolving(["127.0.0.1"], ["127.0.0.2"])
        async with asking(entries, resolve=resolve) as asker:
            await asker.config(f"{name}/app:v1")
            assert resolve.asked == ["rebind.example.com"]  # resolved once per connection
            assert host.requests[0].headers["host"] == name
        resolve = resolving(["127.0.0.2"], ["127.0.0.1"])
        async with asking(entries, resolve=resolve) as asker:
            with pytest.raises(Unreachable, match=r"127\.0\.0\.2"):
                await asker.config(f"{name}/app:v1")


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/latest/meta-data/",
        "https://metadata.example.com/",
        "http://127.0.0.1:1/",
        "https://[::ffff:169.254.169.254]/",
        "https://2852039166/",
        "//169.254.169.254/x",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "https://",
        "",
        "http://user:pw@127.0.0.1/",
    ],
)
@pytest.mark.parametrize("by", ["redirect", "realm"])
async def test_neither_redirect_nor_realm_leads_to_where_the_webhook_must_not_go(
    by: str, target: str
) -> None:
    async def handler(_request: Request) -> Answer:
        if by == "redirect":
            return Answer(307, {"Location": target})
        return Answer(401, {"WWW-Authenticate": f'Bearer realm="{target}"'})

    async def resolve(host: str, port: int) -> Sequence[str]:
        if host in ("metadata.example.com", "2852039166"):
            return ("169.254.169.254",)
        return await by_number(host, port)

    async with (
        serve(handler) as host,
        asking(plain(host.authority), resolve=resolve) as asker,
    ):
        keyring = ring(host.authority, f"robot:{SECRET}")
        with pytest.raises((Unreachable, BadAnswer)):
            await asker.config(f"{host.authority}/app:v1", keyring=keyring)


@pytest.mark.parametrize("by", ["redirect", "realm"])
async def test_loopback_allowed_for_one_registry_is_not_allowed_for_its_redirects(by: str) -> None:
    async def inner(_request: Request) -> Answer:
        return Answer(200, {}, b'{"token": "x"}')

    async with serve(inner) as victim:

        async def handler(_request: Request) -> Answer:
            url = victim.url.replace("http://", "https://")
            if by == "redirect":
                return Answer(307, {"Location": f"{url}/"})
            return Answer(401, {"WWW-Authenticate": f'Bearer realm="{url}/"'})

        async with serve(handler) as host, asking(plain(host.authority)) as asker:
            with pytest.raises(Unreachable, match="loopback"):
                await asker.config(f"{host.authority}/app:v1")
        assert victim.connections == 0


async def test_credentials_do_not_follow_a_redirect_to_another_host() -> None:
    config = config_bytes(["/app"])
    store = Registry()
    store.push("app", "v1", config)
    registry = Registry()
    registry.push("app", "v1", config)

    async with serve(store) as elsewhere:

        async def handler(request: Request) -> Answer:
            if "authorization" not in request.headers:
                return Answer(401, {"WWW-Authenticate": "Basic realm=x"})
            if "blobs" in request.path:
                return Answer(307, {"Location": f"{elsewhere.url}{request.path}?sig=abc"})
            return await registry(request)

        async with serve(handler) as host:
            entries = plain(host.authority, elsewhere.authority)
            async with asking(entries) as asker:
                keyring = ring(host.authority, f"robot:{SECRET}")
                await asker.config(f"{host.authority}/app:v1", keyring=keyring)
        (request,) = elsewhere.requests
        assert "authorization" not in request.headers
        assert "cookie" not in request.headers


async def test_credentials_do_not_come_back_when_the_redirect_does() -> None:
    shown: list[bool] = []
    hosts: dict[str, str] = {}

    async def bounce(_request: Request) -> Answer:
        return Answer(307, {"Location": f"{hosts['registry']}/back"})

    async def handler(request: Request) -> Answer:
        shown.append("authorization" in request.headers)
        if request.path == "/back":
            return Answer(404)
        if "authorization" not in request.headers:
            return Answer(401, {"WWW-Authenticate": "Basic realm=x"})
        return Answer(307, {"Location": f"{hosts['other']}/there"})

    async with serve(bounce) as other, serve(handler) as host:
        hosts |= {"other": other.url, "registry": host.url}
        async with asking(plain(host.authority, other.authority)) as asker:
            with pytest.raises(LookupFailed):
                await asker.config(
                    f"{host.authority}/app:v1", keyring=ring(host.authority, f"r:{SECRET}")
                )
    assert shown[:3] == [False, True, False]


async def test_plain_http_is_spoken_only_where_it_is_configured() -> None:
    async with serve(Registry()) as host:
        entries = {host.authority: {"addresses": "127.0.0.0/8"}}
        async with asking(entries) as asker:
            with pytest.raises(Unreachable, match="TLS"):
                await asker.config(f"{host.authority}/app")
        assert host.requests == []


@pytest.mark.parametrize("by", ["redirect", "realm"])
async def test_a_registry_leads_to_no_plain_http(by: str) -> None:
    async with serve(Led(by, "http")) as host, asking(plain(host.authority)) as asker:
        with pytest.raises(Unreachable) as caught:
            await asker.config(f"{host.authority}/app:v1")
    assert str(caught.value) == "inside.example.com is not asked over plain http"
    assert caught.value.next_step == (
        "If that is meant, set plainHTTP for inside.example.com in the registries file."
    )


async def test_a_registry_at_a_private_address_needs_no_entry_in_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connected: list[str] = []

    async def connect_tcp(_self: object, host: str, *_: Any) -> None:
        connected.append(host)
        raise httpcore.ConnectError("refused")

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect_tcp)
    async with asking(resolve=resolving(["10.1.1.1"])) as asker:
        with pytest.raises(Unreachable, match="refused"):
            await asker.config("registry.corp.example/app:v1")
    assert connected == ["10.1.1.1"]


async def test_redirects_without_end_end() -> None:
    async def handler(request: Request) -> Answer:
        return Answer(302, {"Location": f"{request.path}x"})

    async with serve(handler) as host, asking(plain(host.authority)) as asker:
        with pytest.raises(BadAnswer, match="redirects without end"):
            await asker.config(f"{host.authority}/app:v1")
        assert len(host.requests) == 10


async def test_a_cookie_of_a_registry_is_not_kept() -> None:
    registry = Registry()
    registry.push("app", "v1", config_bytes(["/app"]))

    async def handler(request: Request) -> Answer:
        answer = await registry(request)
        return replace(answer, headers={**answer.headers, "Set-Cookie": "session=1; Path=/"})

    async with serve(handler) as host, asking(plain(host.authority)) as asker:
        await asker.config(f"{host.authority}/app:v1")
        assert all("cookie" not in each.headers for each in host.requests)


def test_cluster_services_are_refused_where_their_network_is_configured() -> None:
    from ipaddress import ip_network

    from webhook.oci.addresses import AddressRule

    rule = AddressRule(refused=(ip_network("10.96.0.0/12"),))
    assert rule.refusal("10.96.0.1")
    assert rule.refusal("::ffff:10.96.0.1")
    assert rule.refusal("10.0.0.1") is None
    assert rule.allowing((ip_network("10.96.0.10/32"),)).refusal("10.96.0.10") is None
    assert rule.allowing((ip_network("10.96.0.10/32"),)).refusal("10.96.0.11")


PRIVATE = ["10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd12::1", "::ffff:10.0.0.1",
           "64:ff9b::10.0.0.1"]  # fmt: skip


class Led:
    """A registry that leads to inside.example.com, by redirect or as its token server."""

    def __init__(self, by: str, scheme: str = "https") -> None:
        self.by, self.scheme = by, scheme

    async def __call__(self, _request: Request) -> Answer:
        target = f"{self.scheme}://inside.example.com/x"
        if self.by == "redirect":
            return Answer(307, {"Location": target})
        return Answer(401, {"WWW-Authenticate": f'Bearer realm="{target}"'})


@pytest.mark.parametrize("by", ["redirect", "realm"])
@pytest.mark.parametrize("inside", PRIVATE)
async def test_a_public_registry_leads_to_no_private_address(by: str, inside: str) -> None:
    async with serve(Led(by)) as host:

        async def resolve(name: str, port: int) -> Sequence[str]:
            return [inside] if name.startswith("inside") else await by_number(name, port)

        async with asking(plain(host.authority), resolve=resolve) as asker:
            with pytest.raises(Unreachable, match="private address"):
                await asker.config(f"{host.authority}/app:v1")


@pytest.mark.parametrize("by", ["redirect", "realm"])
@pytest.mark.parametrize("listed", [False, True])
async def test_a_private_registry_or_the_administrator_may_lead_there(
    by: str, listed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The registry is at a private address itself, or inside.example.com is in the file."""
    connected: list[str] = []
    real = httpcore.AnyIOBackend.connect_tcp

    async def connect_tcp(self: Any, host: str, port: int, *more: Any) -> Any:
        connected.append(host)
        if host == "10.9.9.9":
            raise httpcore.ConnectError("refused")
        return await real(self, "127.0.0.1", port, *more)

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect_tcp)
    async with serve(Led(by)) as host:
        port = host.authority.partition(":")[2]
        name = f"registry.corp.example:{port}"

        async def resolve(asked: str, _port: int) -> Sequence[str]:
            own = "192.0.2.7" if listed else "10.1.1.1"
            return ["10.9.9.9"] if asked.startswith("inside") else [own]

        entries: dict[str, Any] = {name: {"plainHTTP": True}}
        if listed:
            entries["inside.example.com"] = {}
        async with asking(entries, resolve=resolve) as asker:
            with pytest.raises(Unreachable) as caught:
                await asker.config(f"{name}/app:v1")
    assert "private" not in str(caught.value)
    assert connected[-1] == "10.9.9.9"


async def test_credentials_do_not_follow_a_redirect_to_another_scheme() -> None:
    """The same host and port by another scheme is somebody else."""
    sent: list[tuple[str, bool]] = []

    class Network(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            sent.append((request.url.scheme, "authorization" in request.headers))
            if request.url.scheme == "http":
                return httpx.Response(404)
            if "authorization" not in request.headers:
                return httpx.Response(401, headers={"WWW-Authenticate": "Basic realm=x"})
            location = str(request.url.copy_with(scheme="http"))
            return httpx.Response(307, headers={"Location": location})

    client = Client(Network(), clock=lambda: 0.0)
    access = Access(Endpoint("https://r.io:5000/v2"), Credential("s", "u", SECRET), "me")
    with pytest.raises(NotFound):
        await client.manifest(access, Image("r.io:5000", "app", "v1"))
    assert sent == [("https", False), ("https", True), ("http", False)]
    await client.aclose()


@pytest.mark.parametrize(
    ("address", "inside"),
    [("::", False), ("::1", False), ("::2", True), ("64:ff9b::1", True), ("::ffff:0.0.0.1", True)],
)
def test_the_two_addresses_that_ipv6_has_for_itself_hold_no_ipv4_address(
    address: str, inside: bool
) -> None:
    """Else a network of IPv4 that is allowed would open loopback."""
    rule = AddressRule(allowed=(ip_network("0.0.0.0/8"),))
    assert (rule.refusal(address) is None) is inside
    assert AddressRule().refusal(address) is not None


@pytest.mark.parametrize(
    ("way", "other"),
    [
        ("8.136.68.33", "8.136.68.32"),
        ("::ffff:8.136.68.33", "::ffff:8.136.68.32"),
        ("::8.136.68.33", "::8.136.68.32"),
        ("64:ff9b::8.136.68.33", "64:ff9b::8.136.68.32"),
        ("2002:888:4421::", "2002:888:4420::"),
        ("2001:db8::5efe:8.136.68.33", "2001:db8::5efe:8.136.68.32"),
        ("2001:0:888:4421::fefe:fefe", "2001:0:888:4420::fefe:fefe"),  # Teredo: its server,
        ("2001:0:101:101::f777:bbde", "2001:0:101:101::f777:bbdf"),  # and its client, inverted
        ("64:ff9b:1:888:44:2100:101:101", "64:ff9b:1:888:44:2000:101:101"),
        ("64:ff9b:1:101:1:100:888:4421", "64:ff9b:1:101:1:100:888:4420"),
    ],
)
def test_each_way_to_an_address_is_judged_as_that_address(way: str, other: str) -> None:
    rule = AddressRule(refused=(ip_network("8.136.68.33/32"),))
    assert rule.refusal(way) is not None
    assert rule.refusal(other) is None


@pytest.mark.parametrize(
    "address", ["fd00::1", "::ffff:8.136.68.33", "2002:888:4421::", "64:ff9b::8.136.68.33"]
)
def test_a_zone_makes_no_other_address(address: str) -> None:
    rule = AddressRule(refused=(ip_network("8.136.68.33/32"), ip_network("fd00::/16")))
    assert rule.refusal(f"{address}%eth0") == rule.refusal(address) is not None
    allowed = rule.allowing((ip_network("8.136.68.33/32"), ip_network("fd00::1/128")))
    assert allowed.refusal(f"{address}%eth0") is None
    assert is_private("fd00::1%eth0")


def test_what_is_no_address_is_none_of_a_private_network() -> None:
    assert is_private("10.1.2.3")
    assert not is_private("r.example.com")


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("64:ff9b:1:7f00:0:100:808:808", "a loopback address"),
        ("64:ff9b:1:a9fe:a9:fe00:808:808", "a link-local address"),
        ("64:ff9b:1:808:8:800:a9fe:a9fe", "a link-local address"),
        ("64:ff9b:1:808:8:800:808:808", None),
    ],
)
def test_a_translator_of_the_operators_may_read_an_address_in_two_ways(
    address: str, what: str | None
) -> None:
    """Each is judged, and the one says nothing of the other."""
    said = AddressRule().refusal(address)
    assert said is None if what is None else (said or "").startswith(what)


async def test_no_library_logs_the_urls_it_is_given() -> None:
    """A store's URL may be a signed one."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    async with asking():
        assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)
        assert not logging.getLogger("httpcore").isEnabledFor(logging.INFO)
