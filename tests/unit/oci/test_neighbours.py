"""What one namespace asks for can delay itself alone: everything here is shared fairly."""

import asyncio
import gc
import json
import socket
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from tests.fakes.http import Answer, Handler, Host, Request, serve
from tests.fakes.lookups import Asker, Clock, RecordingObserver, asking, plain, ring
from tests.fakes.registry import Registry, basic, config_bytes, digest, manifest_bytes
from webhook.base import tenants
from webhook.core.argv import ImageConfig
from webhook.core.errors import BadAnswer, LookupFailed, RateLimited, TimedOut, Unreachable
from webhook.oci import connect
from webhook.oci.docker_config import DockerConfig
from webhook.oci.labels import OTHER, Labels
from webhook.oci.options import Times

APP = ImageConfig(("/app",))
APP_BYTES = config_bytes(["/app"])
MANY = range(200)


class Shared:
    """One registry of all: images of the tenant called evil hang, or say what they are told to."""

    def __init__(self, evil: Answer | None = None) -> None:
        self.registry = Registry()
        self.evil = evil
        self.go = asyncio.Event()
        for number in range(12):
            self.registry.push(f"good{number}", "v1", APP_BYTES)

    async def __call__(self, request: Request) -> Answer:
        if "evil" not in request.target:
            return await self.registry(request)
        if self.evil is None:
            await self.go.wait()
        return self.evil or Answer(404)


def attack(asker: Asker, *names: str, tenant: str = "evil") -> "list[asyncio.Task[object]]":
    """Ask for images as another namespace would, all at once, and wait for nothing."""

    async def ask(name: str) -> object:
        try:
            return await asker.config(name, tenant=tenant, seconds=600)
        except LookupFailed as error:
            return error

    return [asyncio.create_task(ask(name)) for name in names]


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not met():  # noqa: ASYNC110 - what it waits for is another process's, or a server's
            await asyncio.sleep(0.01)


async def ended(tasks: "Sequence[asyncio.Task[object]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def all_good(asker: Asker, authority: str) -> bool:
    names = (f"{authority}/good{number}:v1" for number in range(12))
    found = await asyncio.gather(*(asker.config(each, tenant="good", seconds=30) for each in names))
    return found == [APP] * 12


SLOW = Times(lookup=600.0)


async def test_slow_lookups_of_one_namespace_leave_places_at_a_shared_registry() -> None:
    shared = Shared()
    async with serve(shared) as host, asking(plain(host.authority), times=SLOW) as asker:
        tasks = attack(asker, *(f"{host.authority}/evil{number}:v1" for number in MANY))
        await until(lambda: host.busy >= 4)
        assert await all_good(asker, host.authority)
        assert not any(task.done() for task in tasks)
        await ended(tasks)


async def test_lookups_at_many_hosts_leave_places_in_all() -> None:
    shared = Shared()
    async with serve(shared) as host:
        port = host.authority.partition(":")[2]
        names = [f"r{number}.example.com:{port}" for number in range(300)]
        async with asking(plain(host.authority, *names), times=SLOW) as asker:
            tasks = attack(asker, *(f"{name}/evil:v1" for name in names))
            await until(lambda: host.busy >= 64)
            assert await all_good(asker, host.authority)
            assert host.busiest <= 64 + 8
            await ended(tasks)


async def test_the_same_image_asked_for_behind_many_others_is_not_waited_for() -> None:
    shared = Shared()
    async with serve(shared) as host, asking(plain(host.authority), times=SLOW) as asker:
        evil = (f"{host.authority}/evil{number}:v1" for number in MANY)
        tasks = attack(asker, *evil, *(f"{host.authority}/good{n}:v1" for n in range(12)))
        await until(lambda: host.busy >= 4)
        assert await all_good(asker, host.authority)
        await ended(tasks)


async def test_a_namespace_that_waited_finds_what_another_has_found_meanwhile() -> None:
    shared = Shared()
    async with serve(shared) as host, asking(plain(host.authority), times=SLOW) as asker:
        evil = (f"{host.authority}/evil{number}:v1" for number in range(4))
        tasks = attack(asker, *evil, f"{host.authority}/good0:v1")
        await until(lambda: host.busy >= 4)
        assert await all_good(asker, host.authority)
        before = len(host.requests)
        shared.go.set()
        assert await tasks[-1] == APP
        assert [each for each in host.requests[before:] if "good" in each.target] == []
        await asyncio.gather(*tasks)


@pytest.mark.parametrize("answer", [Answer(429), Answer(429, {"Retry-After": "31536000"}),
                                    Answer(503, {"Retry-After": "100"})])  # fmt: skip
async def test_an_image_that_says_429_holds_off_its_own_namespace_alone(answer: Answer) -> None:
    shared = Shared(answer)
    async with serve(shared) as host, asking(plain(host.authority)) as asker:
        (task,) = attack(asker, f"{host.authority}/evil:v1")
        assert isinstance(await task, LookupFailed)
        assert await all_good(asker, host.authority)
        with pytest.raises(RateLimited):
            await asker.config(f"{host.authority}/good1:v2", tenant="evil")


async def test_a_retry_after_of_a_year_ends_after_minutes() -> None:
    registry = Registry(down=Answer(429, {"Retry-After": "31536000"}))
    registry.push("app", "v1", APP_BYTES)
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        with pytest.raises(RateLimited):
            await asker.config(f"{host.authority}/app:v1")
        registry.down = None
        asker.clock.ahead += 299
        with pytest.raises(RateLimited):
            await asker.config(f"{host.authority}/app:v1")
        asker.clock.ahead += 12
        assert await asker.config(f"{host.authority}/app:v1") == APP


async def test_names_whose_name_server_is_silent_leave_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """getaddrinfo can't be stopped: its threads are held until it gives up by itself."""
    go, began = threading.Event(), list[str]()

    def getaddrinfo(host: str, port: int, **_more: object) -> list[object]:
        if "silent" in host:
            began.append(host)
            go.wait(60)
            raise socket.gaierror
        return [(2, 1, 6, "", ("192.0.2.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    resolver = connect.NameResolver()
    with tenants.working_for("evil"):
        silent = [asyncio.create_task(resolver(f"{n}.silent", 443)) for n in range(64)]
    await until(lambda: len(began) >= 16)
    for task in silent[:32]:
        task.cancel()  # nobody waits any more, and the threads hang on
    await asyncio.sleep(0)
    with tenants.working_for("good"):
        names = (resolver(f"good{number}", 443) for number in range(12))
        async with asyncio.timeout(30):
            assert await asyncio.gather(*names) == [("192.0.2.1",)] * 12
    assert len(began) == 16  # of 32 threads
    go.set()
    await asyncio.gather(*silent, return_exceptions=True)
    resolver.close()


async def test_few_credential_programs_run_at_once_and_none_waits_for_anothers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    (tmp_path / "running").mkdir()

    def running() -> list[Path]:
        return list((tmp_path / "running").iterdir())

    program = tmp_path / "docker-credential-x"
    program.write_text(
        f"#!/bin/sh\nread server; touch {tmp_path}/running/$$\n"
        "case $server in evil*) sleep 60;; esac\n"
        """echo '{"Username": "u", "Secret": "s"}'\n"""
    )
    program.chmod(0o755)
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"credsStore": "x"}))
    own = DockerConfig(config, clock=Clock(), observer=RecordingObserver(), deadline=50.0)
    with tenants.working_for("evil"):
        hosts = (f"evil{number}.example.com/app" for number in range(300))
        tasks = [asyncio.create_task(own.matching(host)) for host in hosts]
    await until(lambda: len(running()) >= 4)
    with tenants.working_for("good"):
        assert len(await own.matching("good.example.com/app")) == 1
    assert len(running()) <= 5
    assert sum(task.done() for task in tasks) == 300 - 4 - 64  # 4 run, 64 wait: the rest is refused
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await own.aclose()


async def test_one_namespaces_images_do_not_push_out_anothers() -> None:
    registry = Registry()
    for number in range(100):
        registry.push(f"app{number}", "v1", APP_BYTES)
    async with serve(registry) as host, asking(plain(host.authority), entries=40) as asker:
        names = [f"{host.authority}/app{number}:v1" for number in range(100)]
        for name in names[:10]:
            await asker.config(name, tenant="good")
        for name in names[10:]:
            await asker.config(name, tenant="evil")
        before = len(host.requests)
        for name in names[:10]:
            assert await asker.config(name, tenant="good") == APP
        assert len(host.requests) == before


def test_one_namespaces_registries_leave_labels_for_anothers() -> None:
    labels = Labels(lambda _: False)
    with tenants.working_for("evil"):
        named = {labels.of(f"evil{number}.io") for number in range(1000)}
    with tenants.working_for("good"):
        assert labels.of("good.io") == "good.io"
    assert len(named - {OTHER}) == 25


# Memory


async def streamed(content: bytes, gate: asyncio.Event) -> AsyncIterator[bytes]:
    yield content
    await gate.wait()
    yield b" "


class Large:
    """A registry whose image called evil has a configuration of 3 MiB, and its last byte waits."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.registry = Registry()
        self.registry.push("good", "v1", APP_BYTES)
        self.content = b" " * (3 << 20)
        config = {"digest": digest(self.content), "size": len(self.content)}
        manifest = json.dumps({"schemaVersion": 2, "config": config, "layers": []}).encode()
        self.registry.put("evil", "v1", manifest)

    async def __call__(self, request: Request) -> Answer:
        if "blobs" in request.path and "evil" in request.path:
            return Answer(200, {}, streamed(self.content, self.go))
        return await self.registry(request)


def names_of(host: Host, number: int) -> list[str]:
    """Name a host as often, so that each has its own places."""
    port = host.authority.partition(":")[2]
    return [f"r{each}.example.com:{port}" for each in range(number)]


async def test_answers_in_flight_are_capped_together_and_leave_room_for_others() -> None:
    large = Large()
    async with serve(large) as host:
        hosts = names_of(host, 8)
        async with asking(plain(host.authority, *hosts), times=SLOW) as asker:
            tasks = attack(asker, *(f"{name}/evil:v1" for name in hosts))
            # Two of 3 MiB fit into half of 16 MiB.
            await until(lambda: sum(each.done() for each in tasks) >= 6)
            assert all("too much" in str(task.result()) for task in tasks if task.done())
            assert await asker.config(f"{host.authority}/good:v1", tenant="good") == APP
            large.go.set()
            said = [str(each) for each in await asyncio.gather(*tasks)]
            assert sum("too much" in each for each in said) >= 6


@pytest.mark.parametrize("number", [2, 3])
async def test_one_namespace_has_half_of_16_mib_in_flight(number: int) -> None:
    large = Large()
    async with serve(large) as host:
        hosts = names_of(host, number)
        async with asking(plain(*hosts), times=SLOW) as asker:
            tasks = attack(asker, *(f"{name}/evil:v1" for name in hosts))
            await until(lambda: len(host.seen(part="blobs")) == number)
            if number == 3:
                await until(lambda: any(each.done() for each in tasks))
            large.go.set()
            said = [str(each) for each in await asyncio.gather(*tasks)]
            assert any("too much" in each for each in said) == (number == 3)


async def test_what_was_read_leaves_room_again() -> None:
    registry = Registry()
    registry.push("app", "", APP_BYTES)
    bare = manifest_bytes(APP_BYTES)
    for number in range(20):
        padded = bare[:-1] + b" " * (1_000_000 + number) + b"}"
        registry.put("app", f"v{number}", padded)
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        for number in range(20):
            assert await asker.config(f"{host.authority}/app:v{number}", seconds=60) == APP


PADDING = 900_000
BODIES = {
    "brackets": b"[" + b"[]," * (PADDING // 3) + b"[]]",
    "no JSON": b"x" * PADDING,
    "padded": manifest_bytes(APP_BYTES)[:-1] + b" " * PADDING + b"}",
    "too large": b"[" * (2 * PADDING),
    "objects": b'{"manifests": [' + b"{}," * (PADDING // 3) + b"{}]}",
}


async def held_by_failures(handler: Handler) -> int:
    """Give how many bytes are held after five lookups that failed, before a collection."""
    async with serve(handler) as host, asking(plain(host.authority)) as asker:
        with pytest.raises(LookupFailed):  # what is made once is made here
            await asker.config(f"{host.authority}/first:v1")
        gc.collect()
        gc.disable()
        tracemalloc.start()
        try:
            for number in range(5):
                with pytest.raises(LookupFailed):
                    await asker.config(f"{host.authority}/app{number}:v1")
            await asyncio.sleep(0.1)  # until generators that were left are closed
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
            gc.enable()


@pytest.mark.parametrize("kind", BODIES)
async def test_a_failure_that_is_remembered_holds_no_body(kind: str) -> None:
    async def handler(_request: Request) -> Answer:
        return Answer(200, {}, BODIES[kind])

    # Of some 5; what was cut off leaves a connection's buffer.
    assert await held_by_failures(handler) < 2 * PADDING


@pytest.mark.parametrize("padded", ["challenge", "token"])
async def test_what_was_answered_on_the_way_to_a_token_is_let_go(padded: str) -> None:
    padding = {padded: b" " * PADDING}

    async def handler(request: Request) -> Answer:
        if request.path == "/token":
            return Answer(200, {}, b'{"token": "t"}' + padding.get("token", b""))
        if "authorization" in request.headers:
            return Answer(404)
        realm = f'Bearer realm="http://{request.headers["host"]}/token"'
        return Answer(401, {"WWW-Authenticate": realm}, padding.get("challenge", b""))

    assert await held_by_failures(handler) < 2 * PADDING


async def test_informational_responses_without_end_are_given_up() -> None:
    async def handler(_request: Request) -> Answer:
        return Answer(raw=b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 100_000)

    async with serve(handler) as host, asking(plain(host.authority)) as asker:
        start = time.process_time()
        with pytest.raises(LookupFailed) as caught:
            await asker.config(f"{host.authority}/app:v1", seconds=60)
        assert not isinstance(caught.value, TimedOut | BadAnswer)
        assert "informational" in str(caught.value)
        assert time.process_time() - start < 5


async def test_a_few_informational_responses_are_passed_over() -> None:
    registry = Registry()
    registry.push("app", "v1", APP_BYTES)

    async def handler(request: Request) -> Answer:
        answer = await registry(request)
        assert isinstance(answer.body, bytes)
        head = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 3
        head += b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (answer.status, len(answer.body))
        return Answer(raw=head + answer.body)

    async with serve(handler) as host, asking(plain(host.authority)) as asker:
        assert await asker.config(f"{host.authority}/app:v1") == APP


@pytest.mark.parametrize("extra", [0, 1])
async def test_a_manifest_may_have_one_mebibyte(extra: int) -> None:
    registry = Registry()
    registry.push("app", "", APP_BYTES)
    bare = manifest_bytes(APP_BYTES)
    registry.put("app", "v1", bare[:-1] + b" " * ((1 << 20) - len(bare) + extra) + b"}")
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        if not extra:
            assert await asker.config(f"{host.authority}/app:v1") == APP
            return
        with pytest.raises(BadAnswer, match="more than 1,048,576 bytes"):
            await asker.config(f"{host.authority}/app:v1")


async def test_a_configuration_may_have_what_its_manifest_says_and_no_more() -> None:
    registry = Registry()
    registry.push("app", "v1", config_bytes(["/app"], history=["x" * (2 << 20)]))
    registry.gate = basic("u:p")
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        keyring = ring(host.authority, "u:p")
        assert await asker.config(f"{host.authority}/app:v1", keyring=keyring) == APP


async def test_one_namespace_has_so_many_lookups_under_way_and_no_more() -> None:
    """Each takes memory, and one pod names 256 images."""
    shared = Shared()
    async with serve(shared) as host, asking(plain(host.authority), times=SLOW) as asker:
        tasks = attack(asker, *(f"{host.authority}/evil{number}:v1" for number in range(1500)))
        await until(lambda: sum(task.done() for task in tasks) >= 400)
        refused = [task.result() for task in tasks if task.done()]
        assert len(refused) == 1500 - 1024
        assert {str(each) for each in refused} == {"its namespace has too many lookups under way"}
        assert await all_good(asker, host.authority)
        shared.go.set()
        await ended(tasks)


async def test_a_namespace_with_too_many_lookups_under_way_gets_what_it_knew() -> None:
    shared = Shared()
    async with serve(shared) as host, asking(plain(host.authority), times=SLOW) as asker:
        good = f"{host.authority}/good0:v1"
        assert await asker.config(good, tenant="evil") == APP
        tasks = attack(asker, *(f"{host.authority}/evil{number}:v1" for number in range(1025)))
        await until(lambda: any(task.done() for task in tasks))
        asker.clock.ahead += 301  # the tag is believed no more
        assert await asker.config(good, tenant="evil") == APP
        assert asker.observer.cached["stale"] == 1
        assert host.seen("HEAD") == []  # nobody was asked
        shared.go.set()
        await ended(tasks)


async def test_a_lookup_that_is_done_counts_no_more() -> None:
    """Else a namespace could look nothing up after its first thousand images."""
    async with asking() as asker:
        for number in range(1100):
            with pytest.raises(Unreachable, match="not asked"):
                await asker.config(f"127.0.0.1:1/app{number}:v1", tenant="shop")
