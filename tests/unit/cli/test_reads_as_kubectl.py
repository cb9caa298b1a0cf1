"""No manifest is read otherwise than kubectl reads it, and none is changed but as intended.

kubectl's own decoder answers (tests/kubectl); where there is no Go, its stored answers do.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.kubectl.__main__ import ANSWERS
from tests.kubectl.cases import CASES
from tests.kubectl.compare import LAWFUL, compare
from tests.kubectl.decoder import HAS_GO, NEWEST, OLDER, Answer, Decoder, decoder
from tests.kubectl.styles import manifest

STORED = [Answer(*each) for each in json.loads(ANSWERS.read_text())]
NEEDS_GO = pytest.mark.skipif(not HAS_GO, reason="there is no Go; the stored answers are compared")


@pytest.fixture(scope="module")
def newest() -> Iterator[Decoder]:
    with decoder(NEWEST) as running:
        yield running


@pytest.fixture(scope="module")
def older() -> Iterator[Decoder]:
    with decoder(OLDER) as running:
        yield running


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_case_is_read_as_kubectl_reads_it_or_refused(number: int, tmp_path: Path) -> None:
    found = compare(CASES[number], STORED[number], tmp_path / "m.yaml", None)
    assert found.verdict in LAWFUL, (CASES[number].decode(errors="replace"), found.detail)


def test_what_kubectl_reads_is_refused_only_where_readers_disagree(tmp_path: Path) -> None:
    """What kubectl would not see or reads by accident, a mark inside, and tagged merges."""
    refused = [
        found.detail
        for text, answer in zip(CASES, STORED, strict=True)
        if (found := compare(text, answer, tmp_path / "m.yaml", None)).verdict == "refused"
    ]
    assert len(refused) <= 12
    known = "document start|JSON value|only the first|reads nothing|mark|like this|takes no tag"
    assert [each for each in refused if not re.search(known, each)] == []


@pytest.mark.slow
@NEEDS_GO
def test_the_stored_answers_are_those_of_kubectl(newest: Decoder) -> None:
    assert [newest.read(each) for each in CASES] == STORED


@pytest.mark.slow
@NEEDS_GO
def test_what_is_written_for_a_case_kubectl_reads_as_wanted(
    newest: Decoder, tmp_path: Path
) -> None:
    for text, answer in zip(CASES, STORED, strict=True):
        found = compare(text, answer, tmp_path / "m.yaml", newest)
        assert found.verdict in LAWFUL, (text.decode(errors="replace"), found.detail)


@pytest.mark.slow
@NEEDS_GO
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, 2**32))
def test_generated_manifests_are_read_and_written_as_kubectl_reads_them(
    newest: Decoder, older: Decoder, tmp_path: Path, seed: int
) -> None:
    text = manifest(Random(seed)).encode()
    for kubectl in (newest, older):
        found = compare(text, kubectl.read(text), tmp_path / "m.yaml", kubectl)
        assert found.verdict in LAWFUL, (text.decode(), found.detail)
