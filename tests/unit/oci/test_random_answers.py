"""A search for registry answers that lead to an exception, or to advice that is wrong.

A registry answers each request with something made up: shapes near to the formats, status codes,
headers, in any order. What comes of it must be an image's program that the registry did show, or a
failure whose reason follows from what was answered.
"""

import asyncio
import json
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.http import Answer, Request, serve
from tests.fakes.lookups import asking, plain, ring
from tests.fakes.registry import (
    OCI_INDEX,
    Json,
    config_bytes,
    digest,
    entry,
    index_bytes,
    manifest_bytes,
)
from webhook.core.errors import LookupFailed
from webhook.core.reasons import Reason
from webhook.oci.options import Times
from webhook.oci.question import Found

PROGRAMS = [("/a",), ("/b", "c")]
CONFIGS = [config_bytes(list(argv)) for argv in PROGRAMS]
CONFIGS += [
    config_bytes(["c:\\a"], os="windows"),
    config_bytes(["/a"], architecture="arm64"),
    b"{}",
]
IMAGES = [manifest_bytes(each) for each in CONFIGS]
ENTRIES: list[Json] = [
    *(entry(each, name) for each in IMAGES for name in ("amd64", "arm64")),
    *({k: v for k, v in entry(each, "").items() if k != "platform"} for each in IMAGES),
    entry(IMAGES[0], "amd64", "windows"),
    entry(IMAGES[0], "amd64", annotations={"vnd.docker.reference.type": "attestation-manifest"}),
]
INNER = [index_bytes(ENTRIES[:1]), index_bytes(ENTRIES[10:12]), index_bytes([])]
ENTRIES += [{"mediaType": OCI_INDEX, "digest": digest(each), "size": len(each)} for each in INNER]
BLOBS = {digest(each): each for each in (*CONFIGS, *IMAGES, *INNER)}
ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 1 << 70) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=4,
)


@st.composite
def bent(draw: st.DrawFn, content: bytes) -> bytes:
    """Give a document with one of its values replaced, or taken out."""
    raw: Any = json.loads(content)
    place = raw
    while isinstance(place, dict) and place:
        key = draw(st.sampled_from(sorted(place)))
        if not isinstance(place[key], dict) or draw(st.booleans()):
            if draw(st.booleans()):
                place[key] = draw(ODD)
            else:
                del place[key]
            break
        place = place[key]
    return json.dumps(raw).encode()


INDEXES = st.lists(st.sampled_from(ENTRIES), max_size=4).map(index_bytes)
SHAPES = st.one_of(
    INDEXES,
    INDEXES.flatmap(bent),
    st.sampled_from(IMAGES + CONFIGS),
    st.sampled_from(IMAGES + CONFIGS).flatmap(bent),
    st.binary(max_size=20),
)
STATUSES = st.sampled_from(
    [200] * 12 + [201, 204, 206, 301, 400, 401, 403, 404, 404, 410, 418, 429, 500, 503]
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Docker-Content-Digest": st.sampled_from([*BLOBS, "x", f"sha256:{'0' * 64}", "sha256:é"]),
        "Content-Type": st.text("abc/;", max_size=9),
        "WWW-Authenticate": st.sampled_from(
            ["Basic realm=x", "Bearer", 'Bearer realm="http://127.0.0.1:1/"']
        ),
        "Retry-After": st.sampled_from(["1", "-1", "never", "9" * 30]),
        "Location": st.sampled_from(["/v2/app/manifests/v1", "", "http://", "?", "/x"]),
    },
)


@dataclass(slots=True)
class Script:
    """Answers in order, then the parts as they are; remembers what was answered."""

    answers: Sequence[Answer | None]
    served: list[tuple[str, Answer]] = field(default_factory=list)

    async def __call__(self, request: Request) -> Answer:
        turn = len(self.served)
        given = self.answers[turn] if turn < len(self.answers) else None
        answer = given or self._part(request.path.rpartition("/")[2])
        self.served.append((request.path, answer))
        return answer

    def _part(self, name: str) -> Answer:
        content = BLOBS.get(name)
        return Answer(404) if content is None else Answer(200, {}, content)

    def statuses(self) -> set[int]:
        return {answer.status for _, answer in self.served}

    def contents(self) -> bytes:
        return b"".join(each.body for _, each in self.served if isinstance(each.body, bytes))


ANSWERS = st.lists(st.none() | st.builds(Answer, STATUSES, HEADERS, SHAPES), min_size=1, max_size=6)


def justified(key: str, script: Script) -> bool:
    """Tell whether a reason follows from what the registry answered."""
    statuses = script.statuses()
    tops = [answer.status for path, answer in script.served if path.endswith("/v1")]
    if any(300 < status < 400 for status in tops):  # what is asked for is where that leads
        tops += statuses
    because = {
        "not-found": any(status in (404, 410) for status in tops),
        "unauthorized": bool({401, 403} & statuses),
        "rate-limited": 429 in statuses,
        "unreachable": bool({408, 500, 503} & statuses) or b"127.0.0.1:1" in headers(script),
        "windows": b"windows" in script.contents(),
        "platforms-disagree": script.contents().count(b"Entrypoint")
        + script.contents().count(b"{}")
        > 1,
        "bad-answer": True,
    }
    return because.get(key, False)


def headers(script: Script) -> bytes:
    return "".join(str(answer.headers) for _, answer in script.served).encode()


async def judged(answers: Sequence[Answer | None], users: int) -> None:
    script = Script(answers)
    async with (
        serve(script) as host,
        asking(plain(host.authority), times=Times(lookup=30.0)) as asker,
    ):
        keyring = ring(host.authority, *(f"u{n}:pw" for n in range(users)))
        found = await outcome(asker.find(f"{host.authority}/app:v1", keyring=keyring, seconds=60))
    if isinstance(found, LookupFailed):
        assert found.key in set(Reason)
        assert justified(found.key, script), (found.key, str(found), script.served)
        assert len(str(found)) < 3000
    else:
        argv = (*found.config.entrypoint, *found.config.cmd)
        assert all(json.dumps(word).encode() in script.contents() for word in argv)


async def outcome(found: Coroutine[Any, Any, Found]) -> Found | LookupFailed:
    try:
        return await found
    except LookupFailed as error:
        return error


def rounds(number: int) -> settings:
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=number, deadline=None, suppress_health_check=slow)


@rounds(60)
@given(ANSWERS, st.integers(0, 2))
def test_a_made_up_answer_has_a_reason_and_the_right_one(
    answers: list[Answer | None], users: int
) -> None:
    asyncio.run(judged(answers, users))


@pytest.mark.long
@pytest.mark.timeout(7200)
@rounds(20_000)
@given(ANSWERS, st.integers(0, 2))
def test_twenty_thousand_made_up_answers(answers: list[Answer | None], users: int) -> None:
    asyncio.run(judged(answers, users))
