"""For how long a registry is left alone, and for how long what it gave to show is shown."""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from webhook.core.credentials import ANONYMOUS, Credential
from webhook.core.errors import BadAnswer, LookupFailed, NotFound, RateLimited, Unauthorized
from webhook.oci.client import Access, Client, Image
from webhook.oci.endpoint import Endpoint
from webhook.oci.failures import Outage, ServerError

ENDPOINT = Endpoint("https://r.io/v2")
APP = Image("r.io", "app", "v1")
ROBOT = Credential("secret a/b", "robot", "pw")
BEGAN = 1000.0
KINDS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


class Network(httpx.AsyncBaseTransport):
    """A network whose answers a test gives; time passes as the test says."""

    def __init__(self) -> None:
        self.now = BEGAN
        self.status = 200
        self.headers: Mapping[str, str] = {}
        self.challenge = ""
        self.given: dict[str, Any] = {"token": "t"}
        self.asked: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if request.url.host == "tokens.io":
            return httpx.Response(200, content=json.dumps(self.given))
        if self.challenge and "authorization" not in request.headers:
            return httpx.Response(401, headers={"WWW-Authenticate": self.challenge})
        return httpx.Response(self.status, headers=self.headers, content=b"{}")


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
async def client(network: Network) -> AsyncIterator[Client]:
    client = Client(network, clock=lambda: network.now)
    yield client
    await client.aclose()


LAST = "Tue, 01 Dec 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {}, 30.0),
        (429, {"Retry-After": "0"}, 30.0),
        (429, {"Retry-After": "7"}, 7.0),
        (429, {"Retry-After": "Tue, 01 Dec 2026 10:00:09 GMT", "Date": LAST}, 9.0),
        (429, {"Retry-After": "31536000"}, 300.0),
        (429, {"Retry-After": "9" * 400}, 300.0),  # more than a float can hold
        (429, {"Retry-After": "0000007"}, 7.0),
        (503, {"Retry-After": "7"}, 7.0),
    ],
)
async def test_a_registry_is_left_alone_for_as_long_as_it_says(
    network: Network,
    client: Client,
    status: int,
    headers: Mapping[str, str],
    seconds: float,
) -> None:
    network.status, network.headers = status, headers
    access = Access(ENDPOINT, ANONYMOUS, "everyone")
    for passed, asked in ((0.0, 1), (seconds - 0.1, 1), (seconds, 2)):
        network.now = BEGAN + passed
        with pytest.raises(LookupFailed):
            await client.manifest(access, APP)
        assert len(network.asked) == asked


@pytest.mark.parametrize(("status", "times"), [(500, 2), (502, 1), (503, 2), (504, 2), (404, 1)])
async def test_what_may_pass_is_asked_once_more_and_leaves_no_trace(
    network: Network, client: Client, status: int, times: int
) -> None:
    access = Access(ENDPOINT, ANONYMOUS, "everyone")
    network.status = status
    for turn in (1, 2):
        with pytest.raises(LookupFailed) as caught:
            await client.manifest(access, APP)
        assert not isinstance(caught.value, RateLimited)
        assert len(network.asked) == turn * times


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (None, 50.0),
        (0, 50.0),
        ("300", 50.0),
        (300, 290.0),
        (11.5, 1.5),
        (5, 1.0),
        (1, 1.0),
        (3600, 3590.0),
        (3601, 3590.0),
    ],
)
async def test_a_token_is_shown_until_a_little_before_its_end(
    network: Network, client: Client, said: object, seconds: float
) -> None:
    network.challenge = 'Bearer realm="https://tokens.io/token"'
    network.given = {"token": "t"} if said is None else {"token": "t", "expires_in": said}
    access = Access(ENDPOINT, ANONYMOUS, "everyone")
    # The request, the token's and the request again; then one alone.
    for passed, asked in ((0.0, 3), (seconds - 0.1, 4), (seconds, 7)):
        network.now = BEGAN + passed
        await client.manifest(access, APP)
        assert len(network.asked) == asked


@pytest.mark.parametrize(("status", "again"), [(200, 1), (404, 1), (403, 3)])
async def test_a_token_is_kept_unless_the_registry_refused_it(
    network: Network, client: Client, status: int, again: int
) -> None:
    network.challenge, network.status = 'Bearer realm="https://tokens.io/token"', status
    for asked in (3, 3 + again):
        with suppress(NotFound, Unauthorized):
            await client.manifest(Access(ENDPOINT, ANONYMOUS, "everyone"), APP)
        assert len(network.asked) == asked


async def test_a_password_that_was_taken_is_shown_at_once_for_an_hour(
    network: Network, client: Client
) -> None:
    network.challenge = "Basic realm=x"
    for passed, asked in ((0.0, 2), (3599.9, 3), (3600.0, 5)):
        network.now = BEGAN + passed
        await client.manifest(Access(ENDPOINT, ROBOT, "me"), APP)
        assert len(network.asked) == asked


async def test_a_registry_has_five_seconds_to_take_a_connection(
    network: Network, client: Client
) -> None:
    """Then another address has its turn, or the registry behind a mirror."""
    await client.manifest(Access(ENDPOINT, ANONYMOUS, "everyone"), APP)
    assert network.asked[0].extensions["timeout"]["connect"] == 5.0


async def test_what_is_sent_says_who_asks_and_takes_no_encoding(
    network: Network, client: Client
) -> None:
    network.challenge = 'Bearer realm="https://tokens.io/token",service="s",scope="its own"'
    await client.manifest(Access(ENDPOINT, ROBOT, "me"), APP)
    assert network.asked[0].headers["accept"] == ", ".join(KINDS)
    for each in network.asked:
        assert each.headers["user-agent"] == "initshim"
        assert each.headers["accept-encoding"] == "identity"
    token = network.asked[1].url
    assert dict(token.params) == {"scope": "its own", "service": "s", "account": "robot"}


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, Unauthorized),
        (403, Unauthorized),
        (404, NotFound),
        (410, NotFound),
        (408, Outage),
        (429, RateLimited),
        (499, BadAnswer),
        (500, ServerError),
        (501, ServerError),
        (502, Outage),
        (201, BadAnswer),
    ],
)
async def test_each_status_has_its_meaning(
    network: Network, client: Client, status: int, error: type[LookupFailed]
) -> None:
    network.status = status
    with pytest.raises(LookupFailed) as caught:
        await client.manifest(Access(ENDPOINT, ANONYMOUS, "everyone"), APP)
    assert type(caught.value) is error


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
async def test_a_manifests_digest_is_what_the_registry_says_it_is_and_it_has(
    network: Network, client: Client, algorithm: str
) -> None:
    access = Access(ENDPOINT, ANONYMOUS, "everyone")
    said = f"{algorithm}:{hashlib.new(algorithm, b'{}').hexdigest()}"
    network.headers = {"Docker-Content-Digest": said}
    assert await client.manifest(access, APP) == (said, b"{}")
    assert await client.manifest(access, replace(APP, version=said)) == (said, b"{}")
    network.headers = {"Docker-Content-Digest": f"{algorithm}:{'0' * (len(said) - 7)}"}
    with pytest.raises(BadAnswer, match=f"does not match its digest {algorithm}:000"):
        await client.manifest(access, APP)


async def test_where_a_registry_says_no_digest_a_manifest_has_its_own(client: Client) -> None:
    own = f"sha256:{hashlib.sha256(b'{}').hexdigest()}"
    assert await client.manifest(Access(ENDPOINT, ANONYMOUS, "me"), APP) == (own, b"{}")


@pytest.mark.parametrize("mirror", [False, True])
async def test_only_a_mirror_is_told_whose_image_is_meant(
    network: Network, client: Client, mirror: bool
) -> None:
    endpoint = Endpoint("https://m.io/v2", mirror=mirror)
    await client.manifest(Access(endpoint, ANONYMOUS, "everyone"), APP)
    (asked,) = network.asked
    assert str(asked.url) == "https://m.io/v2/app/manifests/v1" + ("?ns=r.io" if mirror else "")


async def test_neither_proxies_nor_passwords_are_taken_from_the_environment(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What may be used of either is in the settings."""
    (tmp_path / ".netrc").write_text("machine r.io login me password pw\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    client = Client(network, clock=lambda: network.now)
    network.challenge = "Basic realm=x"
    with pytest.raises(Unauthorized):
        await client.manifest(Access(ENDPOINT, ANONYMOUS, "everyone"), APP)
    await client.aclose()
    (asked,) = network.asked
    assert "authorization" not in asked.headers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_each_redirect_is_followed(network: Network, client: Client, status: int) -> None:
    network.status, network.headers = status, {"Location": "/there"}
    with pytest.raises(BadAnswer, match=r"^r\.io redirects without end$"):
        await client.manifest(Access(ENDPOINT, ANONYMOUS, "everyone"), APP)
    paths = [each.url.path for each in network.asked]
    assert paths == ["/v2/app/manifests/v1", *["/there"] * 9]


@pytest.mark.parametrize("status", [300, 304, 305, 306, 309])
async def test_what_is_no_redirect_is_not_followed(
    network: Network, client: Client, status: int
) -> None:
    network.status, network.headers = status, {"Location": "/there"}
    with pytest.raises(BadAnswer, match=rf"^r\.io answered {status} to a request for app \(v1\)$"):
        await client.manifest(Access(ENDPOINT, ANONYMOUS, "everyone"), APP)
    assert len(network.asked) == 1
