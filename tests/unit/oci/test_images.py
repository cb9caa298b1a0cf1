"""Semantics §2: which image configuration, with which credentials, remembered for whom."""

import asyncio
import logging
from typing import Any

import pytest

from tests.fakes.http import Answer, Request, serve
from tests.fakes.lookups import asking, plain, ring
from tests.fakes.registry import (
    Registry,
    basic,
    config_bytes,
    digest,
    entry,
    manifest_bytes,
)
from webhook.core import image
from webhook.core.argv import ImageConfig
from webhook.core.credentials import Keyring
from webhook.core.errors import (
    BadAnswer,
    LookupFailed,
    LookupOff,
    NotFound,
    PlatformsDisagree,
    RateLimited,
    TimedOut,
    Unauthorized,
    Unreachable,
)
from webhook.oci import bodies
from webhook.oci.options import Times

APP = ImageConfig(("/app",), ("--serve",))
LARGE = b" " * (bodies.LARGEST + 1)
APP_BYTES = config_bytes(["/app"], ["--serve"])


async def test_a_tag_leads_through_manifest_and_configuration_to_entrypoint_and_cmd() -> None:
    registry = Registry()
    name = registry.push("team/app", "v1", APP_BYTES)
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        found = await asker.find(f"{host.authority}/team/app:v1")
        assert (found.config, found.digest) == (APP, name)
        assert (found.endpoint, found.credential) == (host.authority, "anonymous")
        assert asker.observer.lookups == [(host.authority, "ok")]
        assert len(host.requests) == 2


async def test_no_library_logs_what_is_asked_a_url_may_be_signed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    registry = Registry()
    registry.push("app", "v1", APP_BYTES)
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        await asker.config(f"{host.authority}/app:v1")
    assert [each.name for each in caplog.records if each.name.startswith("http")] == []


async def test_a_configuration_of_4_mib_is_read_and_no_larger_one() -> None:
    registry = Registry()
    registry.push("app", "v1", APP_BYTES.ljust(4 << 20))
    registry.push("app", "v2", APP_BYTES.ljust((4 << 20) + 1))
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        assert await asker.config(f"{host.authority}/app:v1") == APP
        with pytest.raises(BadAnswer, match="larger than 4 MiB"):
            await asker.config(f"{host.authority}/app:v2")


async def test_a_digest_beats_a_tag_and_is_asked_once_for_good() -> None:
    registry = Registry()
    name = registry.push("app", "v1", APP_BYTES)
    registry.push("app", "v2", config_bytes(["/other"]))
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        reference = f"{host.authority}/app:v2@{name}"
        assert await asker.config(reference) == APP
        asker.clock.ahead += 1e7
        assert await asker.config(reference) == APP
        assert len(host.requests) == 2


async def test_platforms_that_agree_are_one_answer_and_attestations_do_not_count() -> None:
    registry = Registry()
    odd = manifest_bytes(config_bytes(["/other"]))
    registry.push_index(
        "app",
        "v1",
        {"amd64": APP_BYTES, "arm64": config_bytes(["/app"], ["--serve"], variant="v8")},
        entry(odd, "unknown", "unknown"),
        entry(odd, "amd64", annotations={"vnd.docker.reference.type": "attestation-manifest"}),
        entry(odd, "amd64", "windows"),
        {"mediaType": "x", "digest": digest(odd), "size": 1},
    )
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        found = await asker.find(f"{host.authority}/app:v1")
        assert found.config == APP
        assert [str(each) for each in found.platforms] == ["linux/amd64", "linux/arm64"]


async def test_platforms_that_disagree_need_the_pod_to_choose() -> None:
    registry = Registry()
    other = config_bytes(["/arm"])
    registry.push_index("app", "v1", {"amd64": APP_BYTES, "arm64": other})
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        reference = f"{host.authority}/app:v1"
        for _ in range(2):  # the second time from memory
            with pytest.raises(PlatformsDisagree, match=r"linux/amd64, linux/arm64"):
                await asker.config(reference)
        arm = await asker.config(reference, architectures=["arm64"])
        assert arm == ImageConfig(("/arm",))
        assert await asker.config(reference, architectures=["amd64"]) == APP
        assert len(host.seen("GET")) == 5  # the index, two manifests, two configurations


async def test_only_the_architectures_that_the_pod_asks_for_are_fetched() -> None:
    registry = Registry()
    registry.push_index("app", "v1", {"amd64": APP_BYTES, "arm64": config_bytes(["/arm"])})
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        await asker.config(f"{host.authority}/app:v1", architectures=["arm64"])
        assert len(host.requests) == 3


async def test_every_matching_credential_is_tried_before_unauthorized() -> None:
    registry = Registry(gate=basic("right:pw"))
    registry.push("team/app", "v1", APP_BYTES)
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        keyring = ring(host.authority, "wrong:a", "old:b", "right:pw")
        reference = f"{host.authority}/team/app:v1"
        found = await asker.find(reference, keyring=keyring)
        assert found.config == APP
        with pytest.raises(
            Unauthorized,
            match=r"secret a/b \(unauthorized\), secret a/b \(unauthorized\), anonymous",
        ):
            await asker.config(reference, keyring=ring(host.authority, "wrong:a", "old:b"))


async def test_anonymous_comes_last_and_is_enough_for_a_public_image() -> None:
    shown: list[str | None] = []

    def gate(request: Any, _repository: str) -> Answer | None:
        shown.append(request.headers.get("authorization"))
        if "authorization" not in request.headers and len(shown) > 2:
            return None
        return Answer(401, {"WWW-Authenticate": "Basic realm=x"})

    registry = Registry(gate=gate)
    registry.push("app", "v1", APP_BYTES)
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        found = await asker.find(
            f"{host.authority}/app:v1", keyring=ring(host.authority, "wrong:pw")
        )
        assert (found.config, found.credential) == (APP, "anonymous")
        assert shown[1] is not None  # the credential was shown, and refused


@pytest.mark.parametrize("by", ["tag", "digest"])
async def test_an_answer_is_not_given_to_who_could_not_have_read_it(by: str) -> None:
    registry = Registry(gate=basic("team-a:pw", "team-b:pw"))
    name = registry.push("app", "v1", APP_BYTES)
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        reference = f"{host.authority}/app:v1" if by == "tag" else f"{host.authority}/app@{name}"
        assert await asker.config(reference, keyring=ring(host.authority, "team-a:pw")) == APP
        for stranger in (Keyring(), ring(host.authority, "thief:x")):
            with pytest.raises(Unauthorized):
                await asker.config(reference, keyring=stranger)
        # Another team that may read it asks with its own credential: a HEAD is enough.
        before = len(host.seen("GET"))
        yours = ring(host.authority, "team-b:pw")
        assert await asker.config(reference, keyring=yours) == APP
        asked = host.requests[-1]
        assert asked.headers["authorization"].startswith("Basic ")
        assert (asked.method, len(host.seen("GET"))) == ("HEAD", before)


async def test_equal_secrets_of_two_namespaces_share_what_they_could_both_read() -> None:
    registry = Registry(gate=basic("robot:pw"))
    registry.push("app", "v1", APP_BYTES)
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        told = []
        for source in ("secret a/pull", "secret b/pull"):
            keyring = ring(host.authority, "robot:pw", source=source)
            found = await asker.find(f"{host.authority}/app:v1", keyring=keyring)
            told.append((found.endpoint, found.credential))
        assert asker.observer.cached == {"miss": 1, "hit": 1}
        # The second is not told whose secret it was that read it.
        assert told == [(host.authority, "secret a/pull"), ("memory", "remembered")]


async def test_a_tag_is_believed_for_a_short_time_then_asked_by_head() -> None:
    registry = Registry()
    registry.push("app", "v1", APP_BYTES)
    async with serve(registry) as host, asking(plain(host.authority), fresh=60.0) as asker:
        reference = f"{host.authority}/app:v1"
        await asker.config(reference)
        asker.clock.ahead += 59
        await asker.config(reference)
        assert len(host.requests) == 2
        asker.clock.ahead += 2
        await asker.config(reference)
        assert [each.method for each in host.requests] == ["GET", "GET", "HEAD"]
        registry.push("app", "v1", config_bytes(["/new"]))
        asker.clock.ahead += 61
        assert await asker.config(reference) == ImageConfig(("/new",))


async def test_an_answer_is_remembered_no_longer_than_the_tag_is_believed() -> None:
    registry = Registry()
    registry.push("app", "v1", APP_BYTES)
    async with serve(registry) as host, asking(plain(host.authority), fresh=0.1) as asker:
        for requests in (2, 3):  # the second time by HEAD
            await asker.config(f"{host.authority}/app:v1")
            assert len(host.requests) == requests
            asker.clock.ahead += 0.2


async def test_a_registry_that_can_not_head_is_asked_with_get() -> None:
    registry = Registry()
    registry.push("app", "v1", APP_BYTES)

    async def no_head(request: Any) -> Answer:
        return Answer(405) if request.method == "HEAD" else await registry(request)

    async with serve(no_head) as host, asking(plain(host.authority), fresh=1.0) as asker:
        for _ in range(2):
            assert await asker.config(f"{host.authority}/app:v1") == APP
            asker.clock.ahead += 2


@pytest.mark.parametrize(
    "down",
    [
        Answer(503),
        Answer(500),
        Answer(429, {"Retry-After": "7"}),
        Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"),
        Answer(raw=b""),
        Answer(raw=b"not http at all\r\n\r\n"),
        Answer(200, {}, b"<html>maintenance</html>"),
        Answer(418),
    ],
)
async def test_an_expired_answer_is_used_while_the_registry_is_down(down: Answer) -> None:
    registry = Registry()
    registry.push("app", "v1", APP_BYTES)
    async with (
        serve(registry) as host,
        asking(plain(host.authority), fresh=60.0, usable=3600.0) as asker,
    ):
        reference = f"{host.authority}/app:v1"
        await asker.config(reference)
        registry.down = down
        asker.clock.ahead += 61
        assert await asker.config(reference) == APP
        assert await asker.config(reference) == APP  # from what is remembered of the failure
        assert (asker.observer.cached["stale"], asker.observer.cached["hit"]) == (2, 0)
        asker.clock.ahead += 3600
        with pytest.raises(LookupFailed):
            await asker.config(reference)


async def test_an_expired_answer_is_used_when_the_registry_hangs_and_soon() -> None:
    registry = Registry()
    registry.push("app", "v1", APP_BYTES)
    async with serve(registry) as host, asking(plain(host.authority), fresh=1.0) as asker:
        reference = f"{host.authority}/app:v1"
        await asker.config(reference)
        registry.delay = 60.0
        asker.clock.ahead += 2
        assert await asker.config(reference, seconds=30.0) == APP
        assert asker.observer.cached["stale"] == 1


def test_a_fresh_answer_is_waited_for_a_second_and_a_failure_kept_for_ten() -> None:
    assert Times(lookup=5.0) == Times(lookup=5.0, failure=10.0, patience=1.0)


async def test_revoked_access_is_not_covered_up_by_an_expired_answer() -> None:
    registry = Registry()
    registry.push("app", "v1", APP_BYTES)
    async with serve(registry) as host, asking(plain(host.authority), fresh=1.0) as asker:
        reference = f"{host.authority}/app:v1"
        await asker.config(reference)
        registry.gate = basic("someone:else")
        asker.clock.ahead += 2
        with pytest.raises(Unauthorized):
            await asker.config(reference)


async def test_a_failure_is_remembered_for_seconds() -> None:
    registry = Registry()
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        reference = f"{host.authority}/app:v1"
        for _ in range(3):
            with pytest.raises(NotFound):
                await asker.config(reference)
        assert len(host.requests) == 1
        assert asker.observer.cached == {"miss": 1, "hit": 2}
        registry.push("app", "v1", APP_BYTES)
        asker.clock.ahead += 11
        assert await asker.config(reference) == APP


async def test_retry_after_is_respected_for_every_image_of_the_host() -> None:
    registry = Registry(down=Answer(429, {"Retry-After": "120"}))
    registry.push("app", "v1", APP_BYTES)
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        with pytest.raises(RateLimited):
            await asker.config(f"{host.authority}/app:v1")
        asker.clock.ahead += 119
        with pytest.raises(RateLimited):
            await asker.config(f"{host.authority}/other:v1")
        assert len(host.requests) == 1
        registry.down = None
        asker.clock.ahead += 12
        assert await asker.config(f"{host.authority}/app:v1") == APP


async def test_where_429_names_no_time_it_is_half_a_minute() -> None:
    registry = Registry(down=Answer(429))
    async with serve(registry) as host:
        entries = plain(host.authority)
        async with asking(entries, times=Times(lookup=5.0, failure=0.001, patience=0.3)) as asker:
            started = asker.clock()
            for after, requests in ((0.0, 1), (29.0, 1), (30.5, 2)):
                asker.clock.ahead += started + after - asker.clock()
                with pytest.raises(RateLimited):
                    await asker.config(f"{host.authority}/app:v1")
                assert len(host.requests) == requests


async def test_a_rate_limit_of_one_account_does_not_stop_another() -> None:
    registry = Registry(gate=basic("paid:pw"))
    registry.push("app", "v1", APP_BYTES)
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        registry.down = Answer(429)
        with pytest.raises(RateLimited):
            await asker.config(f"{host.authority}/app:v1")
        registry.down = None
        keyring = ring(host.authority, "paid:pw")
        assert await asker.config(f"{host.authority}/app:v1", keyring=keyring) == APP


async def test_what_is_remembered_is_given_at_once_and_asks_nobody() -> None:
    registry = Registry()
    registry.push("app", "v1", APP_BYTES)
    async with serve(registry) as host:
        reference = image.parse(f"{host.authority}/app:v1")
        entries = plain(host.authority)
        async with asking(entries) as asker:

            def remembered() -> ImageConfig | None:
                every = frozenset[str]()
                return asker.images.remembered(reference, keyring=Keyring(), architectures=every)

            assert remembered() is None
            await asker.config(str(reference))
            asker.observer.cached.clear()
            assert remembered() == APP
            assert asker.observer.cached == {"hit": 1}
            asker.clock.ahead += 301
            assert remembered() is None
            assert len(host.requests) == 2


async def test_lookup_never_asks_nobody() -> None:
    async with serve(Registry()) as host:
        entries = plain(host.authority)
        entries[host.authority]["lookup"] = "never"
        async with asking(entries) as asker:
            with pytest.raises(LookupOff):
                await asker.config(f"{host.authority}/app:v1")
        assert host.connections == 0


async def test_the_deadline_holds_and_the_lookup_goes_on_for_the_next_who_asks() -> None:
    registry = Registry(delay=0.15)
    registry.push("app", "v1", APP_BYTES)
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        reference = f"{host.authority}/app:v1"
        with pytest.raises(TimedOut):
            await asker.config(reference, seconds=0.05)
        assert await asker.config(reference) == APP
        assert len(host.requests) == 2


async def test_a_thousand_who_ask_at_once_cost_one_fetch_also_when_the_first_gives_up() -> None:
    registry = Registry(delay=0.05)
    registry.push("app", "v1", APP_BYTES)
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        reference = f"{host.authority}/app:v1"
        first = asyncio.create_task(asker.config(reference))
        await asyncio.sleep(0.01)
        rest = [asyncio.create_task(asker.config(reference)) for _ in range(999)]
        await asyncio.sleep(0)
        first.cancel()
        assert set(await asyncio.gather(*rest)) == {APP}
        assert first.cancelled()
        assert len(host.requests) == 2
        assert asker.observer.cached == {"miss": 1, "joined": 999}


@pytest.mark.slow
async def test_a_thousand_images_respect_the_limit_per_host() -> None:
    registry = Registry(delay=0.001)
    for number in range(1000):
        registry.push(f"app{number}", "v1", APP_BYTES)
    async with (
        serve(registry) as host,
        asking(plain(host.authority), per_host=8, times=Times(lookup=120.0)) as asker,
    ):
        references = [f"{host.authority}/app{number}:v1" for number in range(1000)]
        found = await asyncio.gather(
            *(asker.config(each, seconds=120.0) for each in references),
        )
        assert set(found) == {APP}
        assert host.busiest <= 8
        assert host.connections <= 16


async def test_as_many_lookups_are_under_way_as_the_setting_says() -> None:
    """The registry answers nobody until all have asked; one namespace alone gets half."""
    registry, all_there, asked = Registry(), asyncio.Event(), 0
    for number in range(24):
        registry.push(f"app{number}", "v1", APP_BYTES)

    async def when_all_are_there(request: Request) -> Answer:
        nonlocal asked
        asked += 1
        if asked == 24:
            all_there.set()
        await all_there.wait()
        return await registry(request)

    async with (
        serve(when_all_are_there) as host,
        asking(plain(host.authority), per_host=48) as asker,
    ):
        references = [f"{host.authority}/app{number}:v1" for number in range(24)]
        assert set(await asyncio.gather(*map(asker.config, references))) == {APP}


async def test_a_lookup_that_reads_side_by_side_has_a_few_connections_and_no_more() -> None:
    """One for the lookup that may run here, and two more."""
    registry, busy = Registry(), asyncio.Event()
    configs = {f"arch{number}": config_bytes(["/app"], [str(number)]) for number in range(6)}
    registry.push_index("app", "v1", configs)
    reading = 0

    async def when_three_read(request: Request) -> Answer:
        nonlocal reading
        if "/blobs/" in request.path:
            reading += 1
            if reading == 3:
                busy.set()
            await busy.wait()
        return await registry(request)

    async with serve(when_three_read) as host, asking(plain(host.authority), per_host=1) as asker:
        with pytest.raises(PlatformsDisagree):
            await asker.config(f"{host.authority}/app:v1")
        assert host.busiest == 3


async def test_answers_that_are_too_large_take_no_room_from_those_that_follow() -> None:
    """All that are being read may have 16 MiB together."""
    registry = Registry()
    registry.push("app", "v1", APP_BYTES)

    async def answer(request: Request) -> Answer:
        return await registry(request) if "/app/" in request.path else Answer(200, {}, LARGE)

    async with serve(answer) as host, asking(plain(host.authority), per_host=1) as asker:
        for number in range(20):
            with pytest.raises(BadAnswer, match="sent more than"):
                await asker.config(f"{host.authority}/large{number}:v1")
        assert await asker.config(f"{host.authority}/app:v1") == APP


async def test_of_too_many_lookups_the_first_are_answered_in_time() -> None:
    registry = Registry(delay=0.1)
    for number in range(40):
        registry.push(f"app{number}", "v1", APP_BYTES)
    limits = {"per_host": 2, "times": Times(lookup=1.0)}
    async with serve(registry) as host, asking(plain(host.authority), **limits) as asker:
        references = [f"{host.authority}/app{number}:v1" for number in range(40)]
        found = await asyncio.gather(
            *(asker.config(each) for each in references), return_exceptions=True
        )
        assert found[0] == APP  # and not: all of them half done
        assert isinstance(found[-1], TimedOut)


async def test_a_mirror_is_asked_first_and_told_for_whom() -> None:
    mirror, upstream = Registry(), Registry()
    mirror.push("library/nginx", "latest", APP_BYTES)
    async with serve(mirror) as near, serve(upstream) as far:
        entries = {
            "docker.io": {
                "mirrors": [{"url": near.url, "addresses": "127.0.0.0/8"}],
                "server": far.url,
                "addresses": "127.0.0.0/8",
            }
        }
        async with asking(entries) as asker:
            found = await asker.find("nginx")
            assert (found.config, found.endpoint) == (APP, near.authority)
            assert near.requests[0].query == {"ns": "docker.io"}
            assert far.requests == []


@pytest.mark.parametrize("fault", ["missing", "error", "wrong digest", "hangs", "gone"])
async def test_the_registry_is_asked_when_a_mirror_fails(fault: str) -> None:
    mirror, upstream = Registry(), Registry()
    name = upstream.push("team/app", "v1", APP_BYTES)
    if fault == "error":
        mirror.down = Answer(500)
    if fault == "wrong digest":
        mirror.manifests["team/app", name] = b"{}"
    if fault == "hangs":
        mirror.delay = 60.0
    async with serve(upstream) as far:
        async with serve(mirror) as near:
            mirrors = [{"url": near.url, "addresses": "127.0.0.0/8"}]
            entries = plain(far.authority)
            entries[far.authority]["mirrors"] = mirrors
            if fault != "gone":
                async with asking(entries) as asker:
                    found = await asker.find(f"{far.authority}/team/app@{name}")
                    assert found.endpoint == far.authority
                    assert near.requests
        if fault == "gone":
            async with asking(entries) as asker:
                assert await asker.config(f"{far.authority}/team/app@{name}") == APP


async def test_a_mirror_never_sees_the_registrys_credentials_but_its_own() -> None:
    mirror, upstream = Registry(gate=basic("m:1")), Registry(gate=basic("u:2"))
    upstream.push("app", "v1", APP_BYTES)
    async with serve(mirror) as near, serve(upstream) as far:
        entries = plain(far.authority)
        entries[far.authority]["mirrors"] = [{"url": near.url, "addresses": "127.0.0.0/8"}]
        async with asking(entries) as asker:
            keyring = ring(far.authority, "u:2") + ring(near.authority, "m:1")
            found = await asker.find(f"{far.authority}/app:v1", keyring=keyring)
            assert found.endpoint == far.authority
        by_host = [{r.headers.get("authorization") for r in h.requests} for h in (near, far)]
        assert by_host[0] & by_host[1] <= {None}
        assert len(by_host[0] - {None}) == 1


async def test_a_mirror_that_may_not_resolve_is_asked_for_digests_only() -> None:
    mirror, upstream = Registry(), Registry()
    name = upstream.push("app", "v1", APP_BYTES)
    mirror.push("app", "v1", config_bytes(["/evil"]))
    mirror.push("app", "", APP_BYTES)
    async with serve(mirror) as near, serve(upstream) as far:
        entries = plain(far.authority)
        entries[far.authority]["mirrors"] = [
            {"url": near.url, "addresses": "127.0.0.0/8", "capabilities": ["pull"]}
        ]
        async with asking(entries) as asker:
            assert await asker.config(f"{far.authority}/app:v1") == APP
            assert near.requests == []
        async with asking(entries) as asker:
            found = await asker.find(f"{far.authority}/app@{name}")
            assert found.endpoint == near.authority


async def test_registry_names_in_metrics_are_bounded() -> None:
    async with asking() as asker:
        for number in range(70):
            with pytest.raises(Unreachable):
                await asker.config(f"127.0.0.{number}:1/app")
        assert len({registry for registry, _ in asker.observer.lookups}) == 26


async def test_a_wrong_digest_is_a_bad_answer_for_manifest_and_configuration() -> None:
    registry = Registry()
    registry.push("app", "v1", APP_BYTES)
    registry.blobs["app", digest(APP_BYTES)] = config_bytes(["/evil"])
    good = registry.push("top", "v1", APP_BYTES)
    registry.manifests["top", good] = manifest_bytes(config_bytes(["/evil"]))
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        with pytest.raises(BadAnswer, match="digest"):
            await asker.config(f"{host.authority}/app:v1")
        with pytest.raises(BadAnswer, match="digest"):
            await asker.config(f"{host.authority}/top@{good}")
