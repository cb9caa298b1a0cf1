"""Which credentials of a docker configuration fit an image, most specific first.

Rules: the kubelet's keyring (kubernetes pkg/credentialprovider: `keyring.go`, `config.go`).
A location may hold globs per label of the host name, a port and a path; the path is a plain
prefix. One keyring spans all pull secrets of a pod, so a more specific entry of a later secret
goes before a general one of the first.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import orjson

from webhook.core.errors import BadInput
from webhook.core.image import DOCKER_HUB

_HUB_LOCATIONS = ("index.docker.io", DOCKER_HUB)
# What docker-credential-… programs and docker's own file give in place of a user's name where
# the secret is a token for the OAuth2 flow (docker/cli: cli/config/credentials).
_TOKEN_USER = "<token>"  # noqa: S105 - a placeholder that the protocol defines, no secret


@dataclass(frozen=True, slots=True)
class Credential:
    """A user's name and password, or a token; `source` names where it is from, never a value."""

    source: str
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    @property
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


@dataclass(frozen=True, slots=True)
class Keyring:
    """Entries of one or more docker configurations."""

    entries: tuple[Entry, ...] = ()

    def matching(self, name: str) -> tuple[Credential, ...]:
        """Give every credential for `registry/repository`, most specific first, each once."""
        # Sorted as the kubelet does: in reverse, so that a longer path goes before its prefix
        # and a plain name before a glob. The sort is stable: equal locations keep their order.
        found = [entry for entry in self.entries if _matches(entry.location, name)]
        if not found and name.partition("/")[0] in _HUB_LOCATIONS:
            found = [entry for entry in self.entries if entry.location in _HUB_LOCATIONS]
        found.sort(key=lambda entry: entry.location, reverse=True)
        return tuple({entry.credential.identity: entry.credential for entry in found}.values())

    def __add__(self, other: "Keyring") -> "Keyring":
        return Keyring(self.entries + other.entries)


def from_secret(secret: Mapping[str, Any], *, source: str) -> Keyring:
    """Read a Secret of type dockerconfigjson or dockercfg; BadInput where it is neither."""
    data = secret.get("data")
    data = data if isinstance(data, Mapping) else {}
    kind = secret.get("type")
    if kind == "kubernetes.io/dockerconfigjson":
        config = _decoded(data.get(".dockerconfigjson"), source=source)
        return from_config(config, source=source)
    if kind == "kubernetes.io/dockercfg":
        return from_auths(_decoded(data.get(".dockercfg"), source=source), source=source)
    raise BadInput(f"{source} is of type {kind!r}, not a pull secret")


def from_config(config: object, *, source: str) -> Keyring:
    """Read the `auths` of a docker config.json."""
    auths = config.get("auths") if isinstance(config, Mapping) else None
    return from_auths(auths if auths is not None else {}, source=source)


def from_auths(auths: object, *, source: str) -> Keyring:
    """Read a mapping of location to credential; one broken entry spoils it, as in the kubelet."""
    if not isinstance(auths, Mapping):
        raise BadInput(f"{source} holds no mapping of registries to credentials")
    read = ((location(key), _credential(value, source=source)) for key, value in auths.items())
    return Keyring(tuple(Entry(where, who) for where, who in read if not who.anonymous))


def token_or_password(*, username: str, secret: str, source: str) -> Credential:
    """Take what a credential program prints: a password, or a token where the user says so."""
    if username == _TOKEN_USER:
        return Credential(source, identity_token=secret)
    return Credential(source, username, secret)


def location(key: str) -> str:
    """Normalise a key of `auths`: no scheme, no API version, no lone slash at the end."""
    rest = key.removeprefix("https://").removeprefix("http://")
    host, slash, path = rest.partition("/")
    path = slash + path
    if path.startswith(("/v1/", "/v2/")):
        path = path[3:]
    return host if path in ("", "/") else host + path


def _decoded(text: object, *, source: str) -> object:
    if not isinstance(text, str):
        raise BadInput(f"{source} holds no docker configuration")
    try:
        return orjson.loads(base64.b64decode(text, validate=True))
    except ValueError:
        # Without the cause: it would quote what it could not read.
        raise BadInput(f"{source} holds no readable docker configuration") from None


def _matches(where: str, name: str) -> bool:
    host, slash, path = where.partition("/")
    target_host, target_slash, target_path = name.partition("/")
    labels, port = _split_host(host)
    target_labels, target_port = _split_host(target_host)
    return (
        port == target_port
        and len(labels) == len(target_labels)
        and (target_slash + target_path).startswith(slash + path)
        and all(map(_glob, target_labels, labels))
    )


def _split_host(host: str) -> tuple[list[str], str]:
    name, colon, port = host.rpartition(":")
    if not colon or port.endswith("]"):  # no port, or the inside of [::1]
        name, port = host, ""
    if name.startswith("[") and name.endswith("]"):
        return [name[1:-1]], port
    return name.split("."), port


def _glob(label: str, pattern: str) -> bool:
    # Go's filepath.Match negates a class with ^, Python's fnmatch with !.
    return fnmatchcase(label, pattern.replace("[^", "[!"))


def _credential(value: object, *, source: str) -> Credential:
    if not isinstance(value, Mapping):
        raise BadInput(f"{source} has an entry that is no mapping")
    username, password, auth, token = (
        _text(value.get(key), source=source)
        for key in ("username", "password", "auth", "identitytoken")
    )
    if auth:
        username, password = _decode(auth, source=source)
    if token:
        return Credential(source, identity_token=token)
    return Credential(source, username, password)


def _decode(auth: str, *, source: str) -> tuple[str, str]:
    """Split base64 of `user:password`; padding may be missing, docker pads with NUL."""
    bare = auth.strip().rstrip("=")
    try:
        raw = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True).decode()
    except ValueError:
        raise BadInput(f"{source} has an entry whose `auth` is not base64 of text") from None
    username, colon, password = raw.partition(":")
    if not colon:
        raise BadInput(f"{source} has an entry whose `auth` is not user:password")
    return username, password.rstrip("\0")


def _text(value: object, *, source: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadInput(f"{source} has an entry whose value is no text")
    return value


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
