"""Digests of content, as registries write them: an algorithm, a colon, and its sum in hex."""

import hashlib
import hmac

from webhook.core.errors import BadAnswer

_HASHES = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}


def digest_of(content: bytes) -> str:
    """Give the canonical digest of some content."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def verify(content: bytes, digest: str) -> None:
    """Raise BadAnswer unless the content is what its digest says."""
    algorithm, _, expected = digest.partition(":")
    make = _HASHES.get(algorithm)
    if make is None:
        raise BadAnswer(f"{_short(digest)} is of an algorithm that can't be checked")
    if not hmac.compare_digest(make(content).hexdigest().encode(), expected.lower().encode()):
        raise BadAnswer(f"the registry's answer does not match its digest {_short(digest)}")


def is_digest(text: str) -> bool:
    """Tell whether a text is a digest that `verify` can check."""
    algorithm, _, value = text.partition(":")
    make = _HASHES.get(algorithm)
    return make is not None and len(value) == make().digest_size * 2 and _is_hex(value)


def _is_hex(text: str) -> bool:
    return all(c in "0123456789abcdef" for c in text)


def _short(digest: str) -> str:
    return digest if len(digest) <= 80 else f"{digest[:80]}…"
