"""Image references in Docker's normal form.

Rules: github.com/distribution/reference (grammar in `reference.go`, normal form in
`normalize.go`), which containerd and the kubelet use.
"""

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from webhook.core.errors import BadReference

DOCKER_HUB = "docker.io"
# Host name (RFC 1035), port, repository, tag and digest at their longest, and what parts them.
LONGEST = 253 + 1 + 5 + 1 + 255 + 1 + 128 + 1 + 135  # characters
_LONGEST_SHOWN = 255
_LONGEST_REPOSITORY = 255

_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"

_PATH = rf"{_COMPONENT}(?:/{_COMPONENT})*"
_NAMED = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
# The algorithms that the runtimes know, in lower case only (opencontainers/go-digest).
_HASH = r"sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128}"

PATTERN = rf"(?:{_HOST}/)?{_PATH}(?::{_NAMED})?(?:@(?:{_HASH}))?"
"""What `parse` accepts, but for lengths and 64 hexadecimal digits."""

_REGISTRY = re.compile(_HOST)
_REPOSITORY = re.compile(_PATH)
_TAG = re.compile(_NAMED)
_DIGEST = re.compile(_HASH)
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")


@dataclass(frozen=True)
class Reference:
    """An image: `registry/repository`, and a tag, a digest or both. A digest beats a tag."""

    registry: str
    repository: str
    tag: str | None
    digest: str | None

    @property
    def host(self) -> str:
        """The host that serves the registry's API: docker.io is served by another one."""
        return "registry-1.docker.io" if self.registry == DOCKER_HUB else self.registry

    @cached_property
    def name(self) -> str:
        """Registry and repository: what credentials are matched against."""
        return f"{self.registry}/{self.repository}"

    @property
    def version(self) -> str:
        """What to ask the registry for: the digest if there is one, else the tag."""
        return self.digest or self.tag or "latest"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"


@lru_cache(maxsize=1024)
def parse(text: str) -> Reference:
    """Give the normal form of an image reference: nginx is docker.io/library/nginx:latest.

    Raises BadReference for anything that the container runtime would refuse as well.
    """
    if len(text) > LONGEST:
        raise _bad(text, f"it is longer than {LONGEST} characters")
    rest, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise _bad(text, f"{digest!r} is no digest")
    registry, path = _split_registry(rest)
    repository, colon, tag = path.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise _bad(text, f"{tag!r} is no tag")
    if not _REPOSITORY.fullmatch(repository) or not _REGISTRY.fullmatch(registry):
        raise _bad(text, "a name is lower-case letters, digits and . _ - / between them")
    if _IDENTIFIER.fullmatch(text):
        raise _bad(text, "64 hexadecimal digits are an image's id, not its name")
    if len(repository) > _LONGEST_REPOSITORY:
        raise _bad(text, f"the name is longer than {_LONGEST_REPOSITORY} characters")
    if not tag and not digest:
        tag = "latest"
    return Reference(registry, repository, tag or None, digest or None)


def _split_registry(name: str) -> tuple[str, str]:
    """Tell the registry from the path, as Docker does: by a dot, a port or `localhost`."""
    first, slash, path = name.partition("/")
    is_host = any(c in first for c in ".:") or first == "localhost" or first.lower() != first
    if not slash or not is_host:
        registry, path = DOCKER_HUB, name
    else:
        registry = DOCKER_HUB if first == "index.docker.io" else first
    if registry == DOCKER_HUB and "/" not in path:
        path = f"library/{path}"
    return registry, path


def _bad(text: str, why: str) -> BadReference:
    shown = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
    return BadReference(f"{shown!r} is no image reference: {why}")
