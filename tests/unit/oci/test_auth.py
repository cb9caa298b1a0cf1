"""Tokens: asked for once, used by scope until they expire, and only where they belong."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.fakes.http import Answer, Host, serve
from tests.fakes.lookups import Asker, asking, plain, ring
from tests.fakes.registry import Registry, config_bytes
from tests.fakes.tokens import SERVICE, TokenServer
from webhook.core.argv import ImageConfig
from webhook.core.docker_auths import from_auths
from webhook.core.errors import BadAnswer, RateLimited, Unauthorized, Unreachable
from webhook.oci.auth import Tokens

APP = ImageConfig(("/app",))


@asynccontextmanager
async def guarded(
    server: TokenServer, *repositories: str, **options: Any
) -> AsyncIterator[tuple[Asker, Host, Host]]:
    """Run a registry guarded by a token server on another host."""
    registry = Registry()
    for repository in repositories or ("team/app",):
        registry.push(repository, "v1", config_bytes(["/app"]))
    async with serve(server) as tokens, serve(registry) as host:
        registry.gate = server.gate(f"{tokens.url}/token")
        entries = plain(host.authority, tokens.authority)
        async with asking(entries, **options) as asker:
            yield asker, host, tokens


ROBOT = {"robot": "pw"}
MAY = {"robot": frozenset({"team/app", "team/web"})}


async def test_a_token_is_asked_for_with_the_credential_and_used() -> None:
    server = TokenServer(users=ROBOT, rights=MAY)
    async with guarded(server) as (asker, host, tokens):
        keyring = ring(host.authority, "robot:pw", source="secret a/pull")
        found = await asker.find(f"{host.authority}/team/app:v1", keyring=keyring)
        assert (found.config, found.credential) == (APP, "secret a/pull")
        (asked,) = tokens.requests
        assert asked.query["scope"] == "repository:team/app:pull"
        assert asked.query["service"] == SERVICE
        assert asked.query["account"] == "robot"
        assert asked.headers["authorization"].startswith("Basic ")
        # The registry itself never sees the password.
        shown = {each.headers.get("authorization", "Bearer") for each in host.requests}
        assert all(each.startswith("Bearer") for each in shown)


async def test_a_token_is_used_by_scope_until_it_expires() -> None:
    server = TokenServer(users=ROBOT, rights=MAY, life=300)
    async with guarded(server, "team/app", "team/web", fresh=1.0) as (asker, host, tokens):
        keyring = ring(host.authority, "robot:pw")
        for _ in range(3):
            await asker.config(f"{host.authority}/team/app:v1", keyring=keyring)
            asker.clock.ahead += 2
        assert len(tokens.requests) == 1
        await asker.config(f"{host.authority}/team/web:v1", keyring=keyring)
        assert len(tokens.requests) == 2
        asker.clock.ahead += 300
        await asker.config(f"{host.authority}/team/app:v1", keyring=keyring)
        assert len(tokens.requests) == 3


@pytest.mark.parametrize("life", [None, 0, -5])
async def test_a_token_without_a_life_lives_a_minute(life: int | None) -> None:
    server = TokenServer(users=ROBOT, rights=MAY, life=life)
    async with guarded(server, fresh=1.0) as (asker, host, tokens):
        keyring = ring(host.authority, "robot:pw")
        for ahead, asked in ((45, 1), (10, 2)):
            await asker.config(f"{host.authority}/team/app:v1", keyring=keyring)
            asker.clock.ahead += ahead
            await asker.config(f"{host.authority}/team/app:v1", keyring=keyring)
            assert len(tokens.requests) == asked


async def test_a_token_for_ever_lives_an_hour_whatever_number_says_so() -> None:
    server = TokenServer(users=ROBOT, rights=MAY, life=10**400)  # no float can hold it
    async with guarded(server, fresh=1.0) as (asker, host, tokens):
        keyring = ring(host.authority, "robot:pw")
        for ahead, asked in ((3500, 1), (200, 1), (0, 2)):
            await asker.config(f"{host.authority}/team/app:v1", keyring=keyring)
            assert len(tokens.requests) == asked
            asker.clock.ahead += ahead


async def test_access_token_is_the_same_as_token() -> None:
    server = TokenServer(users=ROBOT, rights=MAY, field_name="access_token")
    async with guarded(server) as (asker, host, _):
        keyring = ring(host.authority, "robot:pw")
        assert await asker.config(f"{host.authority}/team/app:v1", keyring=keyring) == APP


async def test_an_anonymous_caller_gets_a_token_too() -> None:
    server = TokenServer(rights={"": frozenset({"team/app"})})
    async with guarded(server) as (asker, host, tokens):
        assert await asker.config(f"{host.authority}/team/app:v1") == APP
        assert "authorization" not in tokens.requests[0].headers


async def test_an_identity_token_goes_by_post() -> None:
    server = TokenServer(rights=MAY, refresh={"refresh-me": "robot"})
    async with guarded(server) as (asker, host, tokens):
        auths = {host.authority: {"identitytoken": "refresh-me"}}
        keyring = from_auths(auths, source="s")
        assert await asker.config(f"{host.authority}/team/app:v1", keyring=keyring) == APP
        (asked,) = tokens.requests
        assert asked.method == "POST"
        assert dict(parse_qsl(asked.body.decode())) == {
            "grant_type": "refresh_token",
            "client_id": "initshim",
            "refresh_token": "refresh-me",
            "service": SERVICE,
            "scope": "repository:team/app:pull",
        }
        assert asked.target == "/token"


async def test_a_refused_credential_is_followed_by_the_next() -> None:
    server = TokenServer(users=ROBOT, rights=MAY)
    async with guarded(server) as (asker, host, _):
        keyring = ring(host.authority, "robot:wrong", "robot:pw")
        assert await asker.config(f"{host.authority}/team/app:v1", keyring=keyring) == APP
        with pytest.raises(Unauthorized):
            await asker.config(
                f"{host.authority}/team/app:v1", keyring=ring(host.authority, "robot:wrong")
            )


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(200, {}, b"no json"), BadAnswer),
        (Answer(200, {}, b"[]"), BadAnswer),
        (Answer(200, {}, b"{}"), BadAnswer),
        (Answer(200, {}, b'{"token": 7}'), BadAnswer),
        (Answer(200, {}, b'{"token": "a\\r\\nX-Evil: 1"}'), BadAnswer),
        (Answer(200, {}, b'{"token": "\\u00e9"}'), BadAnswer),
        (Answer(200, {}, b"[" * 100_000), BadAnswer),
        (Answer(302, {"Location": "http://169.254.169.254/"}), BadAnswer),
        (Answer(429), RateLimited),
        (Answer(500), Unreachable),
        (Answer(400), Unauthorized),
        (Answer(401), Unauthorized),
        (Answer(402), BadAnswer),
        (Answer(403), Unauthorized),
        (Answer(404), Unauthorized),
        (Answer(499), BadAnswer),
    ],
)
async def test_what_a_token_server_says_is_not_believed(
    answer: Answer, error: type[Exception]
) -> None:
    async with guarded(TokenServer(answer=answer)) as (asker, host, _):
        with pytest.raises(error):
            await asker.config(f"{host.authority}/team/app:v1")


async def test_a_rate_limit_of_the_token_server_holds_off_the_registry() -> None:
    async with guarded(TokenServer(answer=Answer(429)), "a", "b") as (asker, host, tokens):
        for name in ("a", "b"):
            with pytest.raises(RateLimited):
                await asker.config(f"{host.authority}/{name}:v1")
        assert len(tokens.requests) == 1


@pytest.mark.parametrize("status", [500, 503, 504])
async def test_a_token_server_that_fails_is_asked_once_with_each_credential(status: int) -> None:
    """A registry's own answer of that kind is asked for again; an identity token may be used up."""
    async with guarded(TokenServer(answer=Answer(status))) as (asker, host, tokens):
        keyring = from_auths({host.authority: {"identitytoken": "refresh-me"}}, source="s")
        with pytest.raises(Unreachable):
            await asker.config(f"{host.authority}/team/app:v1", keyring=keyring)
        assert [each.method for each in tokens.requests] == ["POST", "GET"]


@pytest.mark.parametrize(
    "realm",
    [
        "",
        "/token",
        "ftp://127.0.0.1/token",
        "http://user:pw@127.0.0.1/token",
        "https://",
        "http://[::1",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://127.0.0.1:99999/",
        "https://\x7f/",
    ],
)
async def test_a_realm_that_is_no_http_url_is_a_bad_answer(realm: str) -> None:
    async def handler(_request: object) -> Answer:
        return Answer(401, {"WWW-Authenticate": f'Bearer realm="{realm}"'})

    async with serve(handler) as host, asking(plain(host.authority)) as asker:
        with pytest.raises((BadAnswer, Unreachable)):
            await asker.config(f"{host.authority}/app:v1")
        assert len(host.requests) == 1


@pytest.mark.parametrize("realm", ["http://user:pw@{}/token", "http://user@{}/token"])
async def test_a_realm_that_names_a_user_is_not_asked(realm: str) -> None:
    tokens = TokenServer()

    async def handler(_request: object) -> Answer:
        named = realm.format(server.authority)
        return Answer(401, {"WWW-Authenticate": f'Bearer realm="{named}"'})

    async with serve(tokens) as server, serve(handler) as host:
        async with asking(plain(host.authority, server.authority)) as asker:
            with pytest.raises(BadAnswer, match="no http"):
                await asker.config(f"{host.authority}/app:v1")
        assert server.requests == []


async def test_a_token_that_is_refused_is_not_kept() -> None:
    server = TokenServer(users=ROBOT, rights={"robot": frozenset({"other"})})
    async with guarded(server) as (asker, host, tokens):
        keyring = ring(host.authority, "robot:pw")
        for number in (2, 4):  # the robot's, then the anonymous one
            with pytest.raises(Unauthorized):
                await asker.config(f"{host.authority}/team/app:v1", keyring=keyring)
            assert len(tokens.requests) == number
            asker.clock.ahead += 11


async def test_a_token_that_is_refused_is_shown_no_more() -> None:
    """Not even where the next one is refused as well: then there is none to show."""
    server = TokenServer(users=ROBOT, rights=MAY)
    async with guarded(server, fresh=1.0) as (asker, host, _tokens):
        reference, keyring = f"{host.authority}/team/app:v1", ring(host.authority, "robot:pw")
        await asker.config(reference, keyring=keyring)
        server.rights = {}
        server.issued.clear()
        for _ in range(2):
            host.requests.clear()
            asker.clock.ahead += 2 + 11
            with pytest.raises(Unauthorized):
                await asker.find(reference, keyring=keyring)
        assert "authorization" not in host.requests[0].headers


@pytest.mark.parametrize(("token", "times"), [("refresh-me", 1), ("", 2)])
async def test_what_only_reads_is_asked_again_and_a_posted_token_is_not(
    token: str, times: int
) -> None:
    """A connection that breaks may have brought a request there: asking twice is not for all."""

    async def broken(_request: object) -> Answer:
        return Answer(raw=b"")

    async with serve(broken) as tokens:

        async def handler(_request: object) -> Answer:
            return Answer(401, {"WWW-Authenticate": f'Bearer realm="{tokens.url}/token"'})

        entries = plain(tokens.authority)
        async with serve(handler) as host, asking({**entries, **plain(host.authority)}) as asker:
            entry = {"identitytoken": token} if token else {"username": "u", "password": "p"}
            keyring = from_auths({host.authority: entry}, source="s")
            with pytest.raises(Unreachable):
                await asker.config(f"{host.authority}/app:v1", keyring=keyring)
    assert len(tokens.requests) == times


@pytest.mark.parametrize(("scope", "token"), [(1, 65_000), (65_000, 1)])
def test_tokens_are_kept_by_their_weight(scope: int, token: int) -> None:
    """A registry can give one of 64 KB for each repository, and a tenant can name thousands."""
    tokens = Tokens(lambda: 0.0)
    keys = [("r.example.com", f"{'s' * scope}{at}", "me") for at in range(1000)]
    for key in keys:
        tokens.put(key, "t" * token, life=60)
    kept = [tokens.get(key) for key in keys]
    assert 0 < sum(scope + token for each in kept if each) <= 8 << 20
    assert kept[-1]
