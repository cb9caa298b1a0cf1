"""Which credentials of a docker configuration fit an image, most specific first.

Rules: the kubelet's keyring (kubernetes pkg/credentialprovider: `keyring.go`, `config.go`).
A location may hold globs per label of the host name, a port and a path; the path is a plain
prefix. One keyring spans all pull secrets of a pod, so a more specific entry of a later secret
goes before a general one of the first.

A tenant writes the entries: of too many the first count, and a name is matched in linear time,
whatever they are.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from webhook.core.glob import SPECIAL, Glob, compile_glob
from webhook.core.image import DOCKER_HUB

MOST_ENTRIES = 1024
MOST_GLOBS = 16
MOST_CREDENTIALS = 16
_HUB_LOCATIONS = ("index.docker.io", DOCKER_HUB)


@dataclass(frozen=True)
class Credential:
    """A user's name and password, or a token; `source` names where it is from, never a value."""

    source: str
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    @cached_property
    def identity(self) -> str:
        """Tell callers apart in cache keys: equal for equal secrets, whatever their source."""
        parts = (self.username, self.password, self.identity_token)
        framed = b"".join(b"%d:%b" % (len(raw), raw) for raw in map(_raw, parts))
        return hashlib.sha256(framed).hexdigest() if any(parts) else "anonymous"

    @property
    def anonymous(self) -> bool:
        """True where there is nothing to show to the registry."""
        return not (self.username or self.password or self.identity_token)


ANONYMOUS = Credential("anonymous")


@dataclass(frozen=True, slots=True)
class Entry:
    """A credential and the normalised location (host, port, path) it is meant for."""

    location: str
    credential: Credential


@dataclass(frozen=True)
class Keyring:
    """Entries of one or more docker configurations; of more than MOST_ENTRIES the first count."""

    entries: tuple[Entry, ...] = ()

    def matching(self, name: str) -> tuple[Credential, ...]:
        """Give the credentials for `registry/repository`, most specific first, each once.

        At most MOST_CREDENTIALS of them: each is a request to the registry.
        """
        found = self._matched.get(name)
        if found is None:
            found = self._match(name)
            if len(self._matched) < MOST_ENTRIES:
                self._matched[name] = found
        return found

    def __add__(self, other: "Keyring") -> "Keyring":
        return Keyring((self.entries + other.entries)[:MOST_ENTRIES])

    @property
    def weight(self) -> int:
        """The bytes that it takes, roughly."""
        return 200 + sum(
            400 + len(each.location) + 2 * sum(map(len, _secrets(each.credential)))
            for each in self.entries
        )

    def _match(self, name: str) -> tuple[Credential, ...]:
        # Sorted as the kubelet does: in reverse, so that a longer path goes before its prefix
        # and a plain name before a glob. The sort is stable: equal locations keep their order.
        host, _, path = name.partition("/")
        labels, port = _split_host(host)
        here = self._index.plain.get((labels, port), ())
        globs = (
            (number, entry)
            for where, number, entry in self._index.globs
            if where.matches(labels, port)
        )
        both = sorted((*here, *globs), key=lambda each: each[0])
        found = [each for each in both if _below(each[1].location, path)]
        if not found and host in _HUB_LOCATIONS:
            found = list(self._index.hub)
        found.sort(key=lambda each: each[1].location, reverse=True)
        credentials = (entry.credential for _, entry in found)
        once = {credential.identity: credential for credential in credentials}
        return tuple(once.values())[:MOST_CREDENTIALS]

    @cached_property
    def _matched(self) -> dict[str, tuple[Credential, ...]]:
        return {}

    @cached_property
    def _index(self) -> "_Index":
        return _Index.of(self.entries[:MOST_ENTRIES])


_Numbered = tuple[int, Entry]
_Host = tuple[tuple[str, ...], str]


@dataclass(frozen=True, slots=True)
class _Globs:
    """A location's host with globs in it: one for each label, and the port as it is."""

    labels: tuple[Glob, ...]
    port: str

    def matches(self, labels: tuple[str, ...], port: str) -> bool:
        return (
            port == self.port
            and len(labels) == len(self.labels)
            and all(glob.matches(label) for glob, label in zip(self.labels, labels, strict=True))
        )


@dataclass(frozen=True, slots=True)
class _Index:
    """Entries by the host they are for; each with its number, for equal ones keep their order."""

    plain: Mapping[_Host, list[_Numbered]]
    globs: tuple[tuple[_Globs, int, Entry], ...]
    hub: tuple[_Numbered, ...]

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> "_Index":
        plain: dict[_Host, list[_Numbered]] = {}
        globs: list[tuple[_Globs, int, Entry]] = []
        for number, entry in enumerate(entries):
            host = _split_host(entry.location.partition("/")[0])
            if not SPECIAL & set("".join(host[0])):
                plain.setdefault(host, []).append((number, entry))
            elif len(globs) < MOST_GLOBS:
                compiled = tuple(map(compile_glob, host[0]))
                usable = tuple(each for each in compiled if each is not None)
                if len(usable) == len(compiled):
                    globs.append((_Globs(usable, host[1]), number, entry))
        hub = (each for each in enumerate(entries) if each[1].location in _HUB_LOCATIONS)
        return cls(plain, tuple(globs), tuple(hub))


def _secrets(credential: Credential) -> tuple[str, str, str]:
    return credential.username, credential.password, credential.identity_token


def _below(where: str, path: str) -> bool:
    """Tell whether a path begins with a location's, which is a plain prefix."""
    return path.startswith(where.partition("/")[2])


def _split_host(host: str) -> _Host:
    name, colon, port = host.rpartition(":")
    if not colon or port.endswith("]"):  # no port, or the inside of [::1]
        name, port = host, ""
    if name.startswith("[") and name.endswith("]"):
        return (name[1:-1],), port
    return tuple(name.split(".")), port


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
