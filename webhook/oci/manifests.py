"""Indexes, manifests and image configurations: bytes in, checked values out.

Formats: OCI image-spec 1.1 and Docker's schema 2, which share all fields that matter here.
The bytes come from a host that a pod's author chose: their size is capped before they come here,
and only the fields that are read are decoded. A general parser would make some 40 bytes of each
byte of `[],[],…`.
"""

from typing import TypeVar

import msgspec
from msgspec import Struct

from webhook.core import image_config
from webhook.core.argv import ImageConfig
from webhook.core.errors import BadAnswer, BadInput
from webhook.oci import wire
from webhook.oci.digests import is_digest

MOST_ENTRIES = 10_000
_LONGEST_WORD = 32  # of a platform's name

_OCI_INDEX = "application/vnd.oci.image.index.v1+json"
_OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
_DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_INDEXES = frozenset({_OCI_INDEX, _DOCKER_INDEX})
_MANIFESTS = frozenset({_OCI_MANIFEST, _DOCKER_MANIFEST})
_CONFIGS = frozenset(
    {
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.docker.container.image.v1+json",
    }
)
ACCEPT = ", ".join((_OCI_INDEX, _OCI_MANIFEST, _DOCKER_INDEX, _DOCKER_MANIFEST))


class Platform(Struct, frozen=True):
    """For which machines an image is."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        tail = f"/{self.variant}" if self.variant else ""
        return f"{self.os}/{self.architecture}{tail}"


class Entry(Struct, frozen=True):
    """What an index lists: a manifest, or another index; `platform` where the index tells it."""

    digest: str
    size: int
    platform: Platform | None
    is_index: bool


class Index(Struct, frozen=True):
    """What may lead to a linux image, and for what else the index has images."""

    entries: tuple[Entry, ...]
    others: tuple[str, ...] = ()


class Manifest(Struct, frozen=True):
    """One image, or what is stored like one: where its configuration is."""

    config: str
    size: int
    is_image: bool


class Configuration(Struct, frozen=True):
    """What an image runs, and for which machines it is; "" where it does not say."""

    runs: ImageConfig
    os: str = ""
    architecture: str = ""
    variant: str = ""


Document = Index | Manifest

S = TypeVar("S")


def document(content: bytes) -> Document:
    """Read an index or a manifest; BadAnswer for anything else.

    What could be read as either is refused (CVE-2021-41190; containerd: `validateMediaType`).
    """
    raw = _decoded(content, wire.Document, "manifest")
    if bytes(raw.layers_v1) or bytes(raw.schema) == b"1":
        raise BadAnswer("the image is of Docker's schema 1, which container runtimes gave up")
    is_index = raw.manifests is not msgspec.UNSET
    is_manifest = raw.config is not msgspec.UNSET or bytes(raw.layers) != b""
    kind = raw.media_type
    contrary = kind in _MANIFESTS if is_index else kind in _INDEXES
    if is_index == is_manifest or contrary:
        raise BadAnswer("the registry's answer is neither an index nor a manifest")
    if isinstance(raw.manifests, list):
        return _index(raw.manifests)
    if is_index:
        return Index(())
    if not isinstance(raw.config, wire.Descriptor):
        raise BadAnswer("the manifest names no configuration")
    is_image = raw.artifact_type is None and raw.config.media_type in (None, *_CONFIGS)
    return Manifest(_digest(raw.config), _size(raw.config), is_image)


def configuration(content: bytes) -> Configuration:
    """Read what an image runs from its configuration."""
    raw = _decoded(content, wire.Configuration, "image configuration")
    runs = raw.config or wire.Runs()
    try:
        read = image_config.read(msgspec.structs.asdict(runs))
    except BadInput as error:
        raise BadAnswer(str(error)) from None
    words = (raw.os, raw.architecture, raw.variant)
    return Configuration(read, *((word or "")[:_LONGEST_WORD] for word in words))


def _index(listed: list[wire.Descriptor]) -> Index:
    if len(listed) > MOST_ENTRIES:
        raise BadAnswer(f"the index lists more than {MOST_ENTRIES} manifests")
    entries: dict[Entry, None] = {}
    others: dict[str, None] = {}
    for each in listed:
        platform = _platform(each.platform)
        if _is_no_image(each, platform):
            continue
        if platform is not None and platform.os != "linux":
            others[str(platform)] = None
        else:
            is_index = each.media_type in _INDEXES
            entries[Entry(_digest(each), _size(each), platform, is_index)] = None
    return Index(tuple(entries), tuple(others)[:_LONGEST_WORD])


def _is_no_image(entry: wire.Descriptor, platform: Platform | None) -> bool:
    """Tell attestations, and what hangs on to an image: signatures, lists of parts."""
    if entry.annotations is not None and entry.annotations.attests is not None:
        return True
    if platform is not None:
        return platform.os == "unknown" or platform.architecture in ("", "unknown")
    known = entry.media_type is None or entry.media_type in _INDEXES | _MANIFESTS
    return entry.artifact_type is not None or not known


def _platform(raw: wire.Platform | None) -> Platform | None:
    """Give a platform; one that names no system is none, as an index has it that lists indexes."""
    if raw is None or not raw.os:
        return None
    words = (raw.os, raw.architecture, raw.variant)
    return Platform(*((word or "")[:_LONGEST_WORD] for word in words))


def _decoded(content: bytes, kind: type[S], what: str) -> S:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:  # it names types and fields of ours, and no value
        raise BadAnswer(f"the {what} can't be used: {error}") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise BadAnswer("the registry's answer is no JSON") from None


def _digest(descriptor: wire.Descriptor) -> str:
    if not is_digest(descriptor.digest):
        raise BadAnswer("a descriptor has no digest that can be checked")
    return descriptor.digest


def _size(descriptor: wire.Descriptor) -> int:
    if descriptor.size < 0:
        raise BadAnswer("a descriptor has no size")
    return descriptor.size
