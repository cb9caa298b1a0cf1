"""Branch by branch what containerd and the kubelet do with an image, and what we do.

Read in containerd 2.4.2 (core/images/image.go, core/content/helpers.go, core/remotes/docker/
{resolver,fetcher,authorizer}.go, internal/cri/server/images/image_pull.go) and in Kubernetes 1.37.2
(pkg/kubelet/images/image_manager.go, pkg/kubelet/kuberuntime/kuberuntime_image.go,
pkg/credentialprovider/{keyring,config}.go and secrets/secrets.go). A row names the function and the
branch, the registry that leads into it, what the node comes to ("pulls" or "fails"), and what a
lookup comes to. Where they differ, the row says why; a row that says nothing must not differ.
What the kubelet decides before a registry is asked (`imagePullPrecheck`) is the policy's business:
tests/unit/core/test_policy.py.
"""

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import pytest

from tests.fakes.http import Answer, Request, serve
from tests.fakes.lookups import asking, plain, ring
from tests.fakes.registry import (
    OCI_INDEX,
    OCI_MANIFEST,
    Registry,
    basic,
    config_bytes,
    digest,
    entry,
    index_bytes,
    manifest_bytes,
)
from webhook.core.credentials import Keyring
from webhook.core.docker_auths import from_secret
from webhook.core.errors import BadInput, LookupFailed

APP = config_bytes(["/app"])
IMAGE = manifest_bytes(APP)
Fill = Callable[[Registry], None]


@dataclass(frozen=True, slots=True)
class Row:
    """One branch; `node` runs linux/amd64."""

    branch: str
    fill: Fill
    node: Literal["pulls", "fails"]
    ours: str = "wrapped"
    because: str = ""
    users: tuple[str, ...] = ()
    version: str = ":v1"


def top(content: bytes) -> Fill:
    def fill(registry: Registry) -> None:
        registry.push("app", "", APP)
        registry.push("app", "", config_bytes(["/other"]))
        registry.put("app", "v1", content)

    return fill


def nested(*entries: dict[str, object], platform: str = "") -> Fill:
    def fill(registry: Registry) -> None:
        registry.push("app", "", APP)
        inner = index_bytes(entries)
        registry.put("app", "", inner)
        outer: dict[str, object] = {"mediaType": OCI_INDEX, "digest": digest(inner)}
        outer["size"] = len(inner)
        if platform:
            outer["platform"] = {"os": "linux", "architecture": platform}
        registry.put("app", "v1", index_bytes([outer]))

    return fill


def gated(gate: Callable[[Request, str], Answer | None]) -> Fill:
    def fill(registry: Registry) -> None:
        registry.push("app", "v1", APP)
        registry.gate = gate

    return fill


def always(answer: Answer) -> Fill:
    return gated(lambda _request, _repository: answer)


def answering(method: str, answer: Answer) -> Fill:
    return gated(lambda request, _: answer if request.method == method else None)


def to_user(user: str, answer: Answer) -> Fill:
    """Give this answer to a user, 401 to strangers, and let in good:pw."""
    inner, theirs = basic("good:pw"), basic(f"{user}:pw")

    def gate(request: Request, repository: str) -> Answer | None:
        return answer if theirs(request, repository) is None else inner(request, repository)

    return gated(gate)


def first(answer: Answer) -> Fill:
    """Give this answer to the first request, the image to the next."""
    left = [answer]
    return gated(lambda _request, _repository: left.pop() if left else None)


def undigested(*methods: str) -> Fill:
    return gated(
        lambda request, _: (
            Answer(200, {"Content-Type": OCI_MANIFEST}, IMAGE)
            if request.method in methods and request.path.endswith("/v1")
            else None
        )
    )


def typed(kind: str) -> Fill:
    return gated(
        lambda request, _: (
            Answer(200, {"Content-Type": kind}, IMAGE) if "/manifests/" in request.path else None
        )
    )


def padded(size: int) -> Fill:
    content = IMAGE + b" " * size
    return gated(
        lambda request, _: (
            Answer(200, {"Content-Type": OCI_MANIFEST}, content)
            if "/manifests/" in request.path
            else None
        )
    )


def as_blob(kind: str) -> Fill:
    """A registry that keeps its manifests among the blobs."""

    def gate(request: Request, _repository: str) -> Answer | None:
        if "/manifests/" in request.path:
            return Answer(404)
        named = request.path.endswith(digest(IMAGE))
        return Answer(200, {"Content-Type": kind}, IMAGE) if named else None

    return gated(gate)


def redirecting(times: int) -> Fill:
    """Send the request for the tag elsewhere so many times, within the registry."""

    def gate(request: Request, _repository: str) -> Answer | None:
        if not request.path.endswith("/v1"):
            return None
        turn = int(request.query.get("turn", "0"))
        return Answer(307, {"Location": f"?turn={turn + 1}"}) if turn < times else None

    return gated(gate)


def challenged(challenge: str) -> Fill:
    return always(Answer(401, {"WWW-Authenticate": challenge}))


def tokens(
    beside: str = "",
    *,
    line: str = "",
    posts: int = 200,
    gets: int = 200,
    gives: str = "t",
    good: str = "t",
) -> Fill:
    """A registry that takes the token `good`, and its token server, which `gives` one."""

    def gate(request: Request, _repository: str) -> Answer | None:
        if request.path == "/token":
            status = posts if request.method == "POST" else gets
            return Answer(status, {}, json.dumps({"token": gives, "access_token": gives}).encode())
        if request.headers.get("authorization") == f"Bearer {good}":
            return None
        bearer = f'{line}Bearer realm="http://{request.headers["host"]}/token"'
        more = {"www-authenticate": beside} if beside else {}
        return Answer(401, {**more, "WWW-Authenticate": bearer})

    return gated(gate)


def manifest_of(config: bytes, **more: object) -> bytes:
    """A manifest whose configuration's descriptor has more to it; the registry lacks the blob."""
    raw = json.loads(manifest_bytes(config))
    raw["config"] |= more
    return json.dumps(raw).encode()


BY_DIGEST = f"@{digest(IMAGE)}"
AWAY = config_bytes(["/away"])
AMD = entry(IMAGE, "amd64")
BARE = {key: value for key, value in AMD.items() if key != "platform"}
OTHER = entry(manifest_bytes(config_bytes(["/other"])), "amd64")
MISSING = entry(b"missing", "amd64")
_PAST, _NOW = (f"Tue, 01 Dec 2026 10:00:{seconds} GMT" for seconds in ("00", "30"))

IMAGES = [
    Row("Manifest: IsManifestType", top(IMAGE), "pulls"),
    Row("Manifest: IsIndexType, platform.Match", top(index_bytes([AMD])), "pulls"),
    Row("Manifest: d.Platform == nil, ConfigPlatform matches", top(index_bytes([BARE])), "pulls"),
    Row("Manifest: nil sorts last", top(index_bytes([BARE, AMD])), "pulls"),
    Row("Manifest: an index in an index, no platform", nested(AMD), "pulls"),
    Row("Manifest: an index in an index, with platform", nested(AMD, platform="amd64"), "pulls"),
    Row("Manifest: an index in an index, no platform below", nested(BARE), "pulls"),
    Row(
        "Manifest: len(m) == 0, no match for platform: Windows",
        top(index_bytes([entry(IMAGE, "amd64", "windows")])),
        "fails",
        "windows",
    ),
    Row("Manifest: len(m) == 0, an empty index", top(index_bytes([])), "fails", "bad-answer"),
    Row(
        "Manifest: no match for platform: another architecture",
        top(index_bytes([entry(IMAGE, "s390x")])),
        "fails",
        because="the node is not known: another one may be s390x",
    ),
    Row(
        "Manifest: descs[:limit], the first of two equal platforms",
        top(index_bytes([AMD, OTHER])),
        "pulls",
        "platforms-disagree",
        because="which of two equal platforms a node takes is its order's accident",
    ),
    Row(
        "Manifest: unexpected media type",
        top(index_bytes([{**BARE, "mediaType": "application/x"}])),
        "fails",
        "bad-answer",
    ),
    Row(
        "validateMediaType: schema 1",
        top(b'{"schemaVersion": 1, "fsLayers": []}'),
        "fails",
        "bad-answer",
    ),
    Row(
        "validateMediaType: expected manifest but found index",
        top(json.dumps({**json.loads(IMAGE), "manifests": []}).encode()),
        "fails",
        "bad-answer",
    ),
    Row("json.Unmarshal", top(b"{"), "fails", "bad-answer"),
    Row("content.ReadBlob: not there", top(index_bytes([MISSING])), "fails", "bad-answer"),
]

RESOLVER = [
    Row("Resolve: HEAD, then the manifest by its digest", top(IMAGE), "pulls"),
    Row("Resolve: 404", always(Answer(404)), "fails", "not-found"),
    Row("Resolve: > 399", always(Answer(418)), "fails", "bad-answer"),
    Row("Resolve: 300 to 399 that leads nowhere", always(Answer(304)), "fails", "bad-answer"),
    Row(
        "Resolve: HEAD 404, GET not tried",
        answering("HEAD", Answer(404)),
        "fails",
        because="the manifest itself is asked for: one request less",
    ),
    Row(
        "Resolve: digest in header not valid",
        always(Answer(200, {"Docker-Content-Digest": "x", "Content-Type": OCI_MANIFEST}, IMAGE)),
        "fails",
        "bad-answer",
    ),
    Row("Resolve: no Docker-Content-Digest", undigested("GET", "HEAD"), "pulls"),
    Row(
        "Resolve: MaxManifestSize exceeded",
        padded(5 << 20),
        "fails",
        "bad-answer",
    ),
    Row(
        "Resolve: below MaxManifestSize",
        padded(2 << 20),
        "pulls",
        "bad-answer",
        because="one of 500 layers has 0.1 MiB; what is read for all together is capped",
    ),
    Row("Resolve: paths, blobs after manifests", as_blob(OCI_MANIFEST), "pulls", version=BY_DIGEST),
    Row(
        "Resolve: paths, blobs as octet-stream: unexpected media type",
        as_blob("application/octet-stream"),
        "fails",
        because="what a document is, it says itself",
        version=BY_DIGEST,
    ),
    Row(
        "getManifestMediaType: text/plain is schema 1",
        typed("text/plain"),
        "fails",
        because="what a document is, it says itself",
    ),
    Row("getManifestMediaType: what follows a ;", typed(f"{OCI_MANIFEST}; charset=utf-8"), "pulls"),
    Row("request.do: nine redirects", redirecting(9), "pulls"),
    Row("request.do: stopped after 10 redirects", redirecting(10), "fails", "bad-answer"),
    Row("retryRequest: 401, no challenge", always(Answer(401)), "fails", "unauthorized"),
    Row("retryRequest: 405 to HEAD", answering("HEAD", Answer(405)), "pulls"),
    *(
        Row(f"retryRequest: {status} once, the last host", first(Answer(status)), "pulls")
        for status in (500, 503, 504)
    ),
    Row("retryRequest: 503 twice", always(Answer(503)), "fails", "unreachable"),
    Row("retryRequest: 502", first(Answer(502)), "fails", "unreachable"),
    Row(
        "retryRequest: 503 with Retry-After",
        first(Answer(503, {"Retry-After": "9"})),
        "pulls",
        "unreachable",
        because="the registry said when to come again, and no review waits so long",
    ),
    *(
        Row(
            f"retryRequest: 503 with a Retry-After that is {what}",
            first(Answer(503, said)),
            "pulls",
        )
        for what, said in (
            ("over", {"Retry-After": _PAST, "Date": _NOW}),
            ("now", {"Retry-After": _NOW, "Date": _NOW}),
            ("no time", {"Retry-After": "soon"}),
        )
    ),
    Row(
        "retryRequest: 408",
        first(Answer(408)),
        "pulls",
        "unreachable",
        because="the review's own time is what the registry took",
    ),
    Row(
        "retryRequest: 429",
        first(Answer(429)),
        "pulls",
        "rate-limited",
        because="nothing is tried again within a review: the registry asked to be left alone",
    ),
    Row(
        "Fetch: desc.URLs",
        top(manifest_of(AWAY, urls=["https://elsewhere.example/config"])),
        "pulls",
        "bad-answer",
        because="an image's author would choose whom the webhook connects to",
    ),
    Row(
        "Fetch: desc.Data",
        top(manifest_of(AWAY, data=base64.b64encode(AWAY).decode())),
        "pulls",
        "bad-answer",
        because="the specification has the registry keep the content all the same",
    ),
]

AUTHORIZER = [
    Row("AddResponses: bearer, anonymous", tokens(), "pulls"),
    Row("AddResponses: bearer before basic", tokens("Basic realm=x"), "pulls"),
    Row(
        "ParseAuthHeader: the first challenge of a line alone, basic",
        tokens(line="Basic realm=x, "),
        "fails",
        because="RFC 9110 lets several stand in one line",
    ),
    Row("AddResponses: digest alone", challenged("Digest realm=x"), "fails", "unauthorized"),
    Row("AddResponses: no basic auth credentials", gated(basic("a:b")), "fails", "unauthorized"),
    Row("doBearerAuth: POST answers 404, GET", tokens(posts=404), "pulls", users=("good",)),
    Row(
        "doBearerAuth: FetchTokenWithOAuth, GET answers 405",
        tokens(gets=405),
        "pulls",
        "bad-answer",
        because="the token specification has GET; POST is for identity tokens",
        users=("good",),
    ),
    Row("FetchToken: no token", tokens(gives=""), "fails", "bad-answer"),
    Row("invalidAuthorization: the same request again", tokens(good="x"), "fails", "unauthorized"),
]

CREDENTIALS = [
    Row("PullImage: len(credentials) == 0, anonymous", top(IMAGE), "pulls"),
    Row("PullImage: the first works", gated(basic("good:pw")), "pulls", users=("good",)),
    *(
        Row(
            f"PullImage: the first gets {status}, the next is tried",
            to_user("old", Answer(status)),
            "pulls",
            users=("old", "good"),
        )
        for status in (400, 401, 403, 404, 429, 500, 503)
    ),
    Row(
        "PullImage: all fail, and nobody is anonymous",
        gated(lambda request, _: Answer(403) if "authorization" in request.headers else None),
        "fails",
        because="a stale secret beside a public image is common: none at all is tried last",
        users=("old",),
    ),
    Row(
        "PullImage: all fail (NewAggregate)",
        gated(basic("nobody:pw")),
        "fails",
        "unauthorized",
        users=("old", "good"),
    ),
]


@pytest.mark.parametrize(
    "row", [*IMAGES, *RESOLVER, *AUTHORIZER, *CREDENTIALS], ids=lambda row: row.branch
)
async def test_a_lookup_comes_to_what_the_node_comes_to_or_says_why_not(row: Row) -> None:
    registry = Registry()
    row.fill(registry)
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        users = (ring(host.authority, f"{user}:pw") for user in row.users)
        keyring = sum(users, Keyring())
        try:
            await asker.config(f"{host.authority}/app{row.version}", keyring=keyring)
        except LookupFailed as error:
            ours = error.key
        else:
            ours = "wrapped"
    assert ours == row.ours
    same = (row.node == "pulls") is (ours == "wrapped")
    assert same or row.because


async def test_a_redirect_elsewhere_gets_an_anonymous_token_and_no_credential() -> None:
    """`AddResponses` shows the pod's credential to whatever host answers 401; we never do."""
    shown: list[str | None] = []
    elsewhere = Registry()
    tokens()(elsewhere)

    async def there(request: Request) -> Answer:
        shown.append(request.headers.get("authorization"))
        return await elsewhere(request)

    async with serve(there) as other:
        here = Registry(gate=lambda r, _: Answer(307, {"Location": f"{other.url}{r.path}"}))
        async with (
            serve(here) as host,
            asking(plain(host.authority) | plain(other.authority)) as asker,
        ):
            keyring = ring(host.authority, "good:pw")
            config = await asker.config(f"{host.authority}/app:v1", keyring=keyring)
    assert config.entrypoint == ("/app",)
    assert set(shown) == {None, "Bearer t"}


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@dataclass(frozen=True, slots=True)
class Auths:
    """Entries of pull secrets, and whom the kubelet tries with an image, in order."""

    branch: str
    secrets: tuple[object, ...]
    image: str
    node: tuple[str, ...]
    ours: tuple[str, ...] | None = None
    because: str = ""


def user(name: str) -> dict[str, str]:
    return {"username": name, "password": "pw"}


KEYRING = [
    Auths("Add: a scheme is taken off", ({"https://r.io": user("a")},), "r.io/app", ("a",)),
    Auths("Add: /v1/ and /v2/ are the host", ({"r.io/v2/": user("a")},), "r.io/app", ("a",)),
    Auths("Add: /v1 without a slash is a path", ({"r.io/v1": user("a")},), "r.io/app", ()),
    Auths(
        "Add: sort.Reverse, the longer path first",
        ({"r.io": user("a")}, {"r.io/team": user("b")}),
        "r.io/team/app",
        ("b", "a"),
    ),
    Auths(
        "Add: creds of one key in the order of the secrets",
        ({"r.io": user("a")}, {"r.io": user("b")}),
        "r.io/app",
        ("a", "b"),
    ),
    Auths("URLsMatch: another port", ({"r.io:5000": user("a")},), "r.io/app", ()),
    Auths("URLsMatch: a glob for a label", ({"*.r.io": user("a")},), "eu.r.io/app", ("a",)),
    Auths("URLsMatch: a label more", ({"*.r.io": user("a")},), "a.eu.r.io/app", ()),
    Auths("URLsMatch: a path is a plain prefix", ({"r.io/te": user("a")},), "r.io/team", ("a",)),
    Auths("URLsMatch: no globs in a path", ({"r.io/t*": user("a")},), "r.io/team", ()),
    Auths(
        "Lookup: defaultRegistryHost",
        ({"https://index.docker.io/v1/": user("a")},),
        "docker.io/library/nginx",
        ("a",),
    ),
    Auths(
        "Lookup: defaultRegistryHost, where nothing else matched",
        ({"docker.io": user("a"), "https://index.docker.io/v1/": user("b")},),
        "docker.io/library/nginx",
        ("a",),
    ),
    Auths(
        "decodeDockerConfigFieldAuth: auth before username",
        ({"r.io": {**user("a"), "auth": in_base64("b:pw")}},),
        "r.io/app",
        ("b",),
    ),
    Auths(
        "decodeDockerConfigFieldAuth: no padding",
        ({"r.io": {"auth": in_base64("ab:pw").rstrip("=")}},),
        "r.io/app",
        ("ab",),
    ),
    Auths(
        "secretsToTrackedDockerConfigs: json.Unmarshal fails, and with it every secret",
        ({"r.io": {"auth": "!"}}, {"r.io": user("a")}),
        "r.io/app",
        (),
        ("a",),
        because="a broken secret is skipped, and said in the log: the pod fails on the node anyway",
    ),
    Auths(
        "UnmarshalJSON: identitytoken is not read",
        ({"r.io": {"identitytoken": "t", "auth": in_base64("a:")}},),
        "r.io/app",
        ("a",),
        ("",),
        because="docker's own configuration holds one, and the same reader reads it",
    ),
    Auths(
        "Add: an entry without user and password is tried",
        ({"r.io": {}},),
        "r.io/app",
        ("",),
        (),
        because="that is nobody, and nobody is tried last anyway",
    ),
    Auths(
        "Lookup: equal credentials twice",
        ({"r.io": user("a"), "r.io/team": user("a")},),
        "r.io/team/app",
        ("a", "a"),
        ("a",),
        because="what was refused once is refused again",
    ),
]


@pytest.mark.parametrize("row", KEYRING, ids=lambda row: row.branch)
def test_credentials_are_tried_as_the_kubelet_tries_them_or_the_row_says_why_not(
    row: Auths,
) -> None:
    keyring = Keyring()
    for number, auths in enumerate(row.secrets):
        text = in_base64(json.dumps({"auths": auths}))
        secret = {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": text}}
        with suppress(BadInput):
            keyring += from_secret(secret, source=f"secret {number}")
    ours = row.node if row.ours is None else row.ours
    assert tuple(each.username for each in keyring.matching(row.image)) == ours
    assert ours == row.node or row.because
