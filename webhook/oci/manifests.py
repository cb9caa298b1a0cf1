"""Indexes, manifests and image configurations: bytes in, checked values out.

Formats: OCI image-spec 1.1 and Docker's schema 2, which share all fields that matter here.
The bytes come from a host that a pod's author chose: sizes and counts are capped.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from webhook.core import image_config
from webhook.core.argv import ImageConfig
from webhook.core.errors import BadAnswer, BadInput
from webhook.oci.platforms import Variant

MOST_ENTRIES = 10_000

ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_INDEXES = frozenset(t for t in ACCEPT.split(", ") if "index" in t or "list" in t)
_HASHES = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}


@dataclass(frozen=True, slots=True)
class Manifest:
    """An image for one platform: where its configuration is."""

    config: str
    size: int


@dataclass(frozen=True, slots=True)
class Index:
    """An image for several platforms: its linux manifests."""

    variants: tuple[Variant, ...]


Document = Index | Manifest


def digest_of(content: bytes) -> str:
    """Give the canonical digest of some content."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def verify(content: bytes, digest: str) -> None:
    """Raise BadAnswer unless the content is what its digest says."""
    algorithm, _, expected = digest.partition(":")
    make = _HASHES.get(algorithm)
    if make is None:
        raise BadAnswer(f"{_short(digest)} is of an algorithm that can't be checked")
    if not hmac.compare_digest(make(content).hexdigest(), expected.lower()):
        raise BadAnswer(f"the registry's answer does not match its digest {_short(digest)}")


def is_digest(text: str) -> bool:
    """Tell whether a text is a digest that `verify` can check."""
    algorithm, _, value = text.partition(":")
    make = _HASHES.get(algorithm)
    return make is not None and len(value) == make().digest_size * 2 and _is_hex(value)


def document(content: bytes) -> Document:
    """Read an index or a manifest; BadAnswer for anything else.

    What could be read as either is refused (CVE-2021-41190).
    """
    raw = _object(_json(content), "manifest")
    if raw.get("schemaVersion") == 1 or "fsLayers" in raw:
        raise BadAnswer("the image is of Docker's schema 1, which container runtimes gave up")
    is_index = "manifests" in raw
    is_manifest = "config" in raw or "layers" in raw
    kind = raw.get("mediaType")
    if is_index == is_manifest or (isinstance(kind, str) and (kind in _INDEXES) != is_index):
        raise BadAnswer("the registry's answer is neither an index nor a manifest")
    if is_index:
        return _index(raw["manifests"])
    config = _object(raw.get("config"), "manifest's config")
    return Manifest(_digest(config), _size(config))


def configuration(content: bytes) -> ImageConfig:
    """Read what an image runs from its configuration."""
    raw = _object(_json(content), "image configuration")
    inner = raw.get("config")
    config = _object(inner, "image configuration") if inner is not None else {}
    try:
        return image_config.read({"entrypoint": config.get("Entrypoint"), "cmd": config.get("Cmd")})
    except BadInput as error:
        raise BadAnswer(str(error)) from None


def _index(entries: object) -> Index:
    if not isinstance(entries, list):
        raise BadAnswer("the index lists no manifests")
    if len(entries) > MOST_ENTRIES:
        raise BadAnswer(f"the index lists more than {MOST_ENTRIES} manifests")
    read = (_variant(_object(entry, "index entry")) for entry in entries)
    return Index(tuple({each.digest: each for each in read if each}.values()))


def _variant(entry: Mapping[str, Any]) -> Variant | None:
    """Give a linux manifest; None for attestations, other systems and what says nothing."""
    platform, notes = entry.get("platform"), entry.get("annotations")
    if isinstance(notes, Mapping) and "vnd.docker.reference.type" in notes:
        return None
    if not isinstance(platform, Mapping) or platform.get("os") != "linux":
        return None
    architecture, variant = platform.get("architecture"), platform.get("variant")
    if not isinstance(architecture, str) or architecture in ("", "unknown"):
        return None
    variant = variant if isinstance(variant, str) else ""
    return Variant(_digest(entry), _size(entry), architecture[:32], variant[:32])


def _json(content: bytes) -> object:
    # orjson gives up at a depth of 1,024: deep nesting is an error here, no stack overflow.
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise BadAnswer("the registry's answer is no JSON") from error


def _object(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadAnswer(f"the {what} is no JSON object")
    return value


def _digest(descriptor: Mapping[str, Any]) -> str:
    digest = descriptor.get("digest")
    if not isinstance(digest, str) or not is_digest(digest):
        raise BadAnswer("a descriptor has no digest that can be checked")
    return digest


def _size(descriptor: Mapping[str, Any]) -> int:
    size = descriptor.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise BadAnswer("a descriptor has no size")
    return size


def _is_hex(text: str) -> bool:
    return all(c in "0123456789abcdef" for c in text)


def _short(digest: str) -> str:
    return digest if len(digest) <= 80 else f"{digest[:80]}…"
