"""Content is what its digest says, by each algorithm that registries know."""

import hashlib

import pytest

from webhook.core.errors import BadAnswer
from webhook.oci.digests import digest_of, is_digest, verify

CONTENT = b"content"


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_content_is_checked_against_its_digest(algorithm: str) -> None:
    digest = f"{algorithm}:{hashlib.new(algorithm, CONTENT).hexdigest()}"
    assert is_digest(digest)
    verify(CONTENT, digest)
    with pytest.raises(BadAnswer, match=f"does not match its digest {digest[:80]}"):
        verify(b"other", digest)


def test_the_digest_of_content_is_its_sha256() -> None:
    assert digest_of(CONTENT) == f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256",
        f"md5:{'0' * 32}",
        f"sha256:{'0' * 63}",
        f"sha256:{'0' * 65}",
        f"sha256:{'g' * 64}",
        f"sha256:{'A' * 64}",
        f"sha256:{'?' * 64}",
        f"sha512:{'0' * 64}",
    ],
)
def test_what_can_not_be_checked_is_no_digest(text: str) -> None:
    assert not is_digest(text)


def test_an_algorithm_that_is_not_known_is_said_and_cut() -> None:
    with pytest.raises(BadAnswer) as caught:
        verify(CONTENT, f"md5:{'0' * 100}")
    assert str(caught.value) == f"md5:{'0' * 76}… is of an algorithm that can't be checked"
