"""Whatever one credential gets, the next may get something better; the end names what each got."""

import json

import pytest

from tests.fakes.http import Answer, Request, serve
from tests.fakes.lookups import asking, plain, ring
from tests.fakes.registry import Registry, basic, config_bytes
from webhook.core.argv import ImageConfig
from webhook.core.credentials import Keyring
from webhook.core.errors import (
    BadAnswer,
    LookupFailed,
    NotFound,
    RateLimited,
    Unauthorized,
    Unreachable,
)

APP = ImageConfig(("/app",))
PAGE = b"<html>Sign in</html>"
STALE: dict[str, Answer] = {
    "400": Answer(400),
    "401 without a challenge": Answer(401),
    "403": Answer(403),
    "404": Answer(404),
    "418": Answer(418),
    "429": Answer(429),
    "500": Answer(500),
    "503": Answer(503),
    "a login page": Answer(200, {"Content-Type": "text/html"}, PAGE),
    "nothing": Answer(200),
    "a redirect to a login page": Answer(302, {"Location": "/login"}),
    "a redirect without end": Answer(302, {"Location": "/v2/app/manifests/v1"}),
    "JSON that is no manifest": Answer(200, {}, json.dumps({"errors": []}).encode()),
    "a digest that is not its": Answer(200, {"Docker-Content-Digest": f"sha256:{'0' * 64}"}, b"{}"),
}


def stale(answer: Answer, registry: Registry) -> Registry:
    """Answer so to whoever shows `stale:pw`; let in `good:pw` alone."""
    inner = basic("good:pw")
    known = "Basic c3RhbGU6cHc="  # stale:pw

    def gate(request: Request, repository: str) -> Answer | None:
        if request.path == "/login":
            return Answer(200, {}, PAGE)
        shown = request.headers.get("authorization")
        return answer if shown == known else inner(request, repository)

    registry.gate = gate
    registry.push("app", "v1", config_bytes(["/app"]))
    return registry


@pytest.mark.parametrize("kind", STALE)
async def test_a_stale_credential_is_followed_by_the_next(kind: str) -> None:
    async with serve(stale(STALE[kind], Registry())) as host:
        keyring = ring(host.authority, "stale:pw", "good:pw")
        async with asking(plain(host.authority)) as asker:
            assert await asker.config(f"{host.authority}/app:v1", keyring=keyring) == APP


@pytest.mark.parametrize("kind", STALE)
async def test_the_end_names_every_credential_and_what_it_got(kind: str) -> None:
    async with serve(stale(STALE[kind], Registry())) as host:
        keyring = ring(host.authority, "stale:pw", source="secret shop/old")
        async with asking(plain(host.authority)) as asker:
            with pytest.raises(LookupFailed) as caught:
                await asker.config(f"{host.authority}/app:v1", keyring=keyring)
    said = str(caught.value)
    assert "secret shop/old (" in said
    assert "anonymous (unauthorized)" in said
    assert "pw" not in said.replace("pw)", "")


REASONS: list[tuple[Answer, type[LookupFailed]]] = [
    (Answer(400), Unauthorized),
    (Answer(403), Unauthorized),
    (Answer(200, {}, PAGE), Unauthorized),
    (Answer(500), Unauthorized),
    (Answer(404), NotFound),
    (Answer(429), RateLimited),
    (Answer(503), Unreachable),
]


@pytest.mark.parametrize(("answer", "reason"), REASONS)
async def test_the_reason_is_what_a_person_can_do_something_about(
    answer: Answer, reason: type[LookupFailed]
) -> None:
    """The anonymous caller is asked to authenticate in each: what else is wrong decides."""
    async with serve(stale(answer, Registry())) as host, asking(plain(host.authority)) as asker:
        keyring = ring(host.authority, "stale:pw")
        with pytest.raises(reason):
            await asker.config(f"{host.authority}/app:v1", keyring=keyring)


async def test_a_host_that_can_not_be_reached_is_asked_once() -> None:
    async with serve(Registry()) as gone:
        authority = gone.authority
    keyring = sum((ring(authority, f"u{n}:pw") for n in range(5)), Keyring())
    async with asking(plain(authority)) as asker:
        with pytest.raises(Unreachable) as caught:
            await asker.config(f"{authority}/app:v1", keyring=keyring)
    assert "tried" not in str(caught.value)


async def test_an_anonymous_failure_alone_is_said_as_it_is() -> None:
    async with serve(Registry(down=Answer(400))) as host, asking(plain(host.authority)) as asker:
        with pytest.raises(BadAnswer) as caught:
            await asker.config(f"{host.authority}/app:v1")
    assert "tried" not in str(caught.value)


async def test_the_registry_after_a_mirror_says_what_the_mirror_got() -> None:
    async with serve(Registry(down=Answer(500))) as mirror, serve(Registry()) as host:
        entries = plain(host.authority, mirror.authority)
        entries[host.authority]["mirrors"] = [mirror.url]
        async with asking(entries) as asker:
            with pytest.raises(NotFound, match=rf"before it: {mirror.authority} \(unreachable\)"):
                await asker.config(f"{host.authority}/app:v1")
