"""JSON is read as the API server and the kubelet read it, but for the differences of ADR 6.

Their own decoders answer (tests/apiserver_json); where there is no Go, their stored answers do.
"""

import json
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.apiserver_json.__main__ import ANSWERS, SOURCES
from tests.apiserver_json.cases import ANYTHING, CASES, DOCKER, POD, Case
from tests.kubectl.decoder import HAS_GO, NEWEST, Answer, decoder, plain
from webhook.core import schema
from webhook.core.docker_auths import from_config
from webhook.core.errors import BadInput
from webhook.core.pod import read_fields
from webhook.oci.auth import _token

STORED = [Answer(*each) for each in json.loads(ANSWERS.read_text())]
PAGE = Path(__file__).parents[3] / "docs" / "adr" / "0006-a-review-is-cheap-not-clever.md"
TOLD = [tuple(row[2:].split(" | ")[:2]) for row in PAGE.read_text().splitlines()]
REFUSED = "refused"


def of_pod(raw: Any) -> Any:
    """What we read of a pod; what is empty is as good as absent."""
    return without_empty(msgspec.to_builtins(read_fields(raw)))


def without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: without_empty(part) for key, part in value.items()}
        return {key: part for key, part in kept.items() if part not in (None, "", [], {}, False)}
    if isinstance(value, list):
        return [without_empty(part) for part in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def of_docker_config(raw: Any) -> Any:
    [ring] = [from_config(raw, source="s")]
    return [each.username for each in ring.matching("r/app")]


def of_token(text: bytes) -> Any:
    return _token(httpx.Response(200, content=text, request=httpx.Request("GET", "http://t")))


def here(case: Case) -> Any:
    """What we read."""
    try:
        if case.reader == ANYTHING:
            return plain(msgspec.json.decode(case.text))
        if case.reader == POD:
            try:
                fields = msgspec.json.decode(case.text, type=schema.Pod)
            except msgspec.ValidationError:
                return REFUSED
            return without_empty(msgspec.to_builtins(fields))
        if case.reader == DOCKER:
            return of_docker_config(msgspec.json.decode(case.text))
        return of_token(case.text)
    except (ValueError, RecursionError, BadInput):
        return REFUSED


def there(case: Case, answer: Answer) -> Any:
    """What they read, in our words."""
    if answer.error:
        return REFUSED
    [read] = answer.documents
    if case.reader == ANYTHING:
        return plain(read)
    if case.reader == POD:
        return of_pod(read)
    if case.reader == DOCKER:
        return of_docker_config({"auths": read["auths"] or {}})
    return of_token(json.dumps({**read, "expires_in": read["expires_in"] or None}).encode())


@pytest.mark.parametrize("number", range(len(CASES)), ids=[each.title for each in CASES])
def test_a_text_is_read_as_over_there_or_is_a_difference_that_is_told(number: int) -> None:
    case = CASES[number]
    same = here(case) == there(case, STORED[number])
    assert same is not bool(case.instead)
    if case.instead:
        assert (case.title, case.instead) in TOLD


def test_the_page_lists_no_difference_that_is_none() -> None:
    rows = PAGE.read_text().partition("| text | here |")[2].partition("\n\n")[0].splitlines()[2:]
    listed = [tuple(row[2:].split(" | ")[:2]) for row in rows]
    assert listed == [(each.title, each.instead) for each in CASES if each.instead]


@pytest.mark.slow
@pytest.mark.skipif(not HAS_GO, reason="there is no Go; the stored answers are compared")
def test_the_stored_answers_are_those_of_the_decoders() -> None:
    with decoder(NEWEST, sources=SOURCES) as running:
        assert [running.read(each.question) for each in CASES] == STORED
