"""Networks as they are, and registries that are dead: an answer in time and nothing left behind."""

import asyncio
import gc
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpcore
import httpx
import pytest

from tests.fakes.http import Answer, Request, serve
from tests.fakes.lookups import asking, by_number, plain, ring
from tests.fakes.proxy import Fault, Proxy, through
from tests.fakes.registry import Registry, basic, config_bytes
from webhook.core.argv import ImageConfig
from webhook.core.errors import LookupFailed, RateLimited, TimedOut, Unreachable
from webhook.oci.addresses import AddressRule
from webhook.oci.connect import Guarded
from webhook.oci.options import Times
from webhook.oci.pools import Pools
from webhook.oci.proxies import Proxies
from webhook.oci.registries import Registries

APP = ImageConfig(("/app",))
LONG = Times(lookup=60.0)  # where many ask at once, and the machine may be busy


def sockets() -> int:
    gc.collect()
    links = (Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd"))  # noqa: PTH208
    return sum(1 for link in links if link.is_symlink() and "socket:" in str(link.readlink()))


async def settled(proxy: Proxy, before: int | None = None) -> None:
    """Wait until the proxy has noticed that its clients are gone, and as many sockets are open."""
    for _ in range(2000):
        if not proxy.open and before in {None, sockets()}:
            return
        await asyncio.sleep(0.01)


FAULTS: list[tuple[Fault, type[LookupFailed]]] = [
    ("reset", Unreachable),
    ("refused", Unreachable),
    ("truncated", Unreachable),
    ("half-open", TimedOut),
    ("429", RateLimited),
    ("503", Unreachable),
]


@pytest.mark.parametrize(("fault", "error"), FAULTS)
async def test_each_fault_has_its_reason_and_leaves_no_socket(
    fault: Fault, error: type[LookupFailed]
) -> None:
    registry = Registry()
    registry.push("app", "v1", config_bytes(["/app"]))
    async with serve(registry) as host, through(host.authority, fault) as proxy:
        before = sockets()
        async with asking(plain(proxy.authority), times=Times(lookup=0.5)) as asker:
            with pytest.raises(error):
                await asker.config(f"{proxy.authority}/app:v1")
        await settled(proxy, before)
        assert sockets() == before


@pytest.mark.parametrize("fault", ["reset", "truncated", "half-open", "503", "latency"])
async def test_a_fault_that_passes_is_forgotten_after_seconds(fault: Fault) -> None:
    registry = Registry()
    registry.push("app", "v1", config_bytes(["/app"]))
    async with serve(registry) as host, through(host.authority, fault) as proxy:
        limit = Times(lookup=1.0)
        async with asking(plain(proxy.authority), times=limit) as asker:
            reference = f"{proxy.authority}/app:v1"
            if fault == "latency":
                assert await asker.config(reference) == APP
                return
            with pytest.raises(LookupFailed):
                await asker.config(reference)
            proxy.become("none")
            asker.clock.ahead += 61
            assert await asker.config(reference) == APP


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_dead_registry_costs_each_review_its_deadline_and_leaks_nothing(
    scheme: str,
) -> None:
    async with serve(Registry()) as host, through(host.authority, "half-open") as proxy:
        entries = plain(proxy.authority)
        entries[proxy.authority]["plainHTTP"] = scheme == "http"
        threads = threading.active_count()
        before = sockets()
        async with asking(entries, times=Times(lookup=0.6)) as asker:
            asks = [asker.config(f"{proxy.authority}/app{n}:v1", seconds=0.3) for n in range(200)]
            found = await asyncio.gather(*asks, return_exceptions=True)
            assert {type(each) for each in found} == {TimedOut}
            assert len(proxy.open) <= 8
            await settled(proxy)  # when the lookups themselves have given up
            assert len(proxy.open) == 0
        await settled(proxy, before)
        assert threading.active_count() == threads
        assert sockets() == before


async def test_a_kept_connection_that_was_closed_meanwhile_is_opened_anew() -> None:
    registry = Registry()
    registry.push("app", "v1", config_bytes(["/app"]))
    closing = False

    async def handler(request: Any) -> Answer:
        nonlocal closing
        if closing:  # as a server that times out an idle connection just now
            closing = False
            return Answer(raw=b"")
        return await registry(request)

    async with serve(handler) as host, asking(plain(host.authority), fresh=1.0) as asker:
        reference = f"{host.authority}/app:v1"
        assert await asker.config(reference) == APP
        asker.clock.ahead += 2
        closing = True
        assert await asker.config(reference) == APP
        assert host.connections == 2


async def test_connections_are_kept_and_used_again() -> None:
    registry = Registry()
    for number in range(20):
        registry.push(f"app{number}", "v1", config_bytes(["/app"]))
    async with serve(registry) as host, asking(plain(host.authority), times=LONG) as asker:
        for number in range(20):
            await asker.config(f"{host.authority}/app{number}:v1", seconds=LONG.lookup)
        assert host.connections == 1


async def test_a_registry_that_asks_for_a_password_is_shown_it_on_the_same_connection() -> None:
    registry = Registry(gate=basic("u:p"))
    registry.push("app", "v1", config_bytes(["/app"]))
    async with serve(registry) as host, asking(plain(host.authority), times=LONG) as asker:
        keyring = ring(host.authority, "u:p")
        await asker.config(f"{host.authority}/app:v1", keyring=keyring, seconds=LONG.lookup)
        assert (len(host.requests), host.connections) == (3, 1)


async def test_a_request_that_is_cancelled_at_any_moment_leaves_no_connection() -> None:
    async with serve(Registry()) as host, through(host.authority, "half-open") as proxy:
        registries = Registries(plain(proxy.authority))
        pools = Pools(registries, rule=AddressRule(), proxies=Proxies(), resolve=by_number)
        for steps in range(40):
            request = httpx.Request("GET", f"http://{proxy.authority}/v2/")
            task = asyncio.create_task(pools.handle_async_request(request))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await settled(proxy)
        assert len(proxy.open) == 0
        await pools.aclose()


@pytest.mark.slow
async def test_many_hosts_at_once_do_not_close_the_same_pool_twice() -> None:
    registry = Registry()
    registry.push("app", "v1", config_bytes(["/app"]))
    async with serve(registry) as host:
        port = host.authority.partition(":")[2]
        names = [f"r{number}.example.com:{port}" for number in range(300)]
        async with asking(plain(*names), times=LONG) as asker:
            asks = (asker.config(f"{name}/app:v1", seconds=LONG.lookup) for name in names)
            assert await asyncio.gather(*asks) == [APP] * len(names)


@pytest.mark.slow
async def test_pools_of_hosts_that_nobody_asks_any_more_are_closed() -> None:
    """A pod's author chooses host names: they must not pile up."""

    registry = Registry()
    registry.push("app", "v1", config_bytes(["/app"]))
    async with serve(registry) as host:
        port = host.authority.partition(":")[2]
        names = [f"r{number}.example.com:{port}" for number in range(100)]
        async with asking(plain(*names)) as asker:
            before = sockets()
            for name in names:
                await asker.config(f"{name}/app:v1")
            await asyncio.sleep(0.05)
            assert sockets() - before <= 2 * 65


async def test_who_is_being_asked_keeps_the_connection_however_many_others_are_asked() -> None:
    registry, go, came = Registry(), asyncio.Event(), asyncio.Event()
    registry.push("app", "v1", config_bytes(["/app"]))

    async def handler(request: Request) -> Answer:
        if request.headers["host"].startswith("slow."):
            came.set()
            await go.wait()
        return await registry(request)

    async with serve(handler) as host:
        port = host.authority.partition(":")[2]
        slow, *others = [f"{name}.example.com:{port}" for name in ("slow", *map(str, range(80)))]
        async with asking(plain(slow, *others), times=LONG) as asker:
            first = asyncio.create_task(asker.config(f"{slow}/app:v1", seconds=LONG.lookup))
            await came.wait()
            for name in others:
                await asker.config(f"{name}/app:v1", seconds=LONG.lookup)
            go.set()
            assert await first == APP
        assert len([each for each in host.seen() if each.headers["host"] == slow]) == 2


async def test_the_connection_that_was_used_last_is_kept_the_longest() -> None:
    registry = Registry()
    for version in ("v1", "v2", "v3"):
        registry.push("app", version, config_bytes(["/app"]))
    async with serve(registry) as host:
        port = host.authority.partition(":")[2]
        often, *others = [f"{name}.example.com:{port}" for name in ("often", *map(str, range(80)))]
        async with asking(plain(often, *others), times=LONG) as asker:
            for version, few in (("v1", others[:40]), ("v2", others[40:])):
                await asker.config(f"{often}/app:{version}", seconds=LONG.lookup)
                for name in few:
                    await asker.config(f"{name}/app:v1", seconds=LONG.lookup)
            before = host.connections
            await asker.config(f"{often}/app:v3", seconds=LONG.lookup)
            assert host.connections == before
            # The one that was used longest ago is closed: there are 64 at most.
            await asker.config(f"{others[0]}/app:v3", seconds=LONG.lookup)
            assert host.connections == before + 1


async def test_the_connection_to_a_host_that_once_failed_is_closed_as_any_other() -> None:
    registry, broken = Registry(), [True, True]  # what breaks is asked once more
    registry.push("app", "v1", config_bytes(["/app"]))
    registry.push("app", "v2", config_bytes(["/app"]))

    async def handler(request: Request) -> Answer:
        if request.headers["host"].startswith("weak.") and broken:
            broken.pop()
            return Answer(raw=b"")
        return await registry(request)

    async with serve(handler) as host:
        port = host.authority.partition(":")[2]
        weak, *others = [f"{name}.example.com:{port}" for name in ("weak", *map(str, range(64)))]
        async with asking(plain(weak, *others), times=LONG) as asker:
            with pytest.raises(Unreachable):
                await asker.config(f"{weak}/app:v1", seconds=LONG.lookup)
            asker.clock.ahead += 11  # the failure is forgotten
            for name in (weak, *others):
                await asker.config(f"{name}/app:v1", seconds=LONG.lookup)
            before = host.connections
            await asker.config(f"{weak}/app:v2", seconds=LONG.lookup)
            assert host.connections == before + 1


async def test_a_name_server_that_is_silent_is_not_waited_for_longer_than_a_connection() -> None:
    async def silent(_host: str, _port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        raise AssertionError

    network = Guarded(AddressRule(), silent)
    with pytest.raises(httpcore.ConnectTimeout, match="was not resolved in time"):
        await network.connect_tcp("r.example.com", 443, timeout=0.05)


@pytest.mark.parametrize(("plain_http", "port"), [(True, 80), (False, 443)])
async def test_a_registry_without_a_port_is_asked_at_its_schemes(
    monkeypatch: pytest.MonkeyPatch, plain_http: bool, port: int
) -> None:
    asked: list[tuple[str, int]] = []

    async def connect(_self: object, host: str, port: int, *_: Any) -> None:
        asked.append((host, port))
        raise httpcore.ConnectError("refused")

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    entry = {"plainHTTP": plain_http, "addresses": "127.0.0.0/8"}
    async with asking({"r.example.com": entry}) as asker:
        with pytest.raises(Unreachable, match="refused"):
            await asker.config("r.example.com/app:v1")
    assert asked == [("127.0.0.1", port)]


async def test_a_host_that_takes_no_connection_in_time_is_said_to_be_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def connect(*_: Any) -> None:
        raise httpcore.ConnectTimeout

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    async with asking({"r.example.com": {"addresses": "127.0.0.0/8"}}) as asker:
        with pytest.raises(TimedOut, match=r"^r\.example\.com did not answer in time$"):
            await asker.config("r.example.com/app:v1")


async def test_16_kib_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is parsed before anybody else has a turn is no more."""
    wanted: list[int] = []

    class Inner(httpcore.AsyncNetworkStream):
        async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109, ARG002 - httpcore's interface
            wanted.append(max_bytes)
            return b"x" * max_bytes

    async def connect(*_: Any) -> Inner:
        return Inner()

    async def resolve(host: str, _port: int) -> Sequence[str]:
        return (host,)

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    stream = await Guarded(AddressRule(), resolve).connect_tcp("192.0.2.1", 443)
    for size in (100, 1 << 20):
        await stream.read(size)
    assert wanted == [100, 16_384]


@pytest.mark.parametrize(("seconds", "share"), [(3.0, 1.0), (None, None)])
async def test_each_address_of_a_host_has_an_even_share_of_the_time(
    monkeypatch: pytest.MonkeyPatch, seconds: float | None, share: float | None
) -> None:
    """An IPv6 address that drops everything must not use up the time of IPv4."""
    given: list[tuple[str, float | None]] = []

    async def connect(_self: object, host: str, _port: int, timeout: float | None, *_: Any) -> None:  # noqa: ASYNC109 - httpcore's interface
        given.append((host, timeout))
        raise httpcore.ConnectTimeout

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return addresses

    addresses = ("2606:2800:220:1::1", "93.184.216.34", "93.184.216.35")
    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    with pytest.raises(httpcore.ConnectTimeout):
        await Guarded(AddressRule(), resolve).connect_tcp("r.example.com", 443, timeout=seconds)
    assert given == [(address, share) for address in addresses]
