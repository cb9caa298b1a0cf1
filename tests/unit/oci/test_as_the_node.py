"""Branch by branch what containerd and the kubelet do with an image, and what we do.

Read in containerd 2.x (core/images/image.go, core/remotes/docker/resolver.go) and Kubernetes
(pkg/kubelet/images/image_manager.go, pkg/credentialprovider). A row names the branch, the registry
that leads into it, what the node comes to ("pulls" or "fails"), and what a lookup comes to. Where
they differ, the row says why; a row that says nothing must not differ.
"""

import json
from collections.abc import Callable
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
from webhook.core.errors import LookupFailed

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


AMD = entry(IMAGE, "amd64")
BARE = {key: value for key, value in AMD.items() if key != "platform"}
OTHER = entry(manifest_bytes(config_bytes(["/other"])), "amd64")
MISSING = entry(b"missing", "amd64")

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
    Row("Resolve: HEAD", top(IMAGE), "pulls"),
    Row("Resolve: 404", always(Answer(404)), "fails", "not-found"),
    Row("Resolve: > 399", always(Answer(418)), "fails", "bad-answer"),
    Row(
        "retryRequest: 401, no challenge",
        always(Answer(401)),
        "fails",
        "unauthorized",
    ),
    Row("retryRequest: 405 to HEAD", answering("HEAD", Answer(405)), "pulls"),
    Row(
        "retryRequest: 429",
        always(Answer(429)),
        "fails",
        "rate-limited",
        because="nothing is tried again within a review: the registry asked to be left alone",
    ),
    Row("retryRequest: 5xx", always(Answer(503)), "fails", "unreachable"),
    Row(
        "Resolve: digest in header not valid",
        always(Answer(200, {"Docker-Content-Digest": "x", "Content-Type": OCI_MANIFEST}, IMAGE)),
        "fails",
        "bad-answer",
    ),
    Row(
        "Resolve: rejecting a large manifest (MaxManifestSize)",
        gated(lambda _r, _n: Answer(200, {"Content-Type": OCI_MANIFEST}, b" " * (5 << 20) + IMAGE)),
        "fails",
        "bad-answer",
    ),
]

CREDENTIALS = [
    Row("EnsureImageExists: no credentials, anonymous", top(IMAGE), "pulls"),
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


@pytest.mark.parametrize("row", [*IMAGES, *RESOLVER, *CREDENTIALS], ids=lambda row: row.branch)
async def test_a_lookup_comes_to_what_the_node_comes_to_or_says_why_not(row: Row) -> None:
    registry = Registry()
    row.fill(registry)
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        users = (ring(host.authority, f"{user}:pw") for user in row.users)
        keyring = sum(users, Keyring())
        try:
            await asker.config(f"{host.authority}/app:v1", keyring=keyring)
        except LookupFailed as error:
            ours = error.key
        else:
            ours = "wrapped"
    assert ours == row.ours
    same = (row.node == "pulls") is (ours == "wrapped")
    assert same or row.because
