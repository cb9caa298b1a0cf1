"""What a docker configuration says: the credentials in pull secrets and in config.json.

Rules: the kubelet's (kubernetes pkg/credentialprovider: `config.go`). A tenant writes the secrets:
their size and their entries are capped, and no error quotes what it could not read.
"""

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from webhook.core.credentials import MOST_ENTRIES, Credential, Entry, Keyring
from webhook.core.errors import BadInput

LARGEST = 384 << 10  # of a secret's docker configuration, in base64: 288 KiB, a hundred ECR tokens
# Characters of an entry's location: no image's name is longer, and a glob hardly (see image.py).
LONGEST_LOCATION = 1024
# What docker-credential-… programs and docker's own file give in place of a user's name where
# the secret is a token for the OAuth2 flow (docker/cli: cli/config/credentials).
_TOKEN_USER = "<token>"  # noqa: S105 - a placeholder that the protocol defines, no secret


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
    if len(auths) > MOST_ENTRIES:
        raise BadInput(f"{source} has more than {MOST_ENTRIES} registries in it")
    read = ((key, _credential(value, source=source)) for key, value in auths.items())
    return Keyring(
        tuple(
            Entry(location(key), who)
            for key, who in read
            if not who.anonymous and len(key) <= LONGEST_LOCATION
        )
    )


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
    if len(text) > LARGEST:
        raise BadInput(f"{source} is larger than {LARGEST >> 10} KiB")
    try:
        return msgspec.json.decode(base64.b64decode(text, validate=True))
    except (ValueError, RecursionError):
        # Without the cause: it would quote what it could not read.
        raise BadInput(f"{source} holds no readable docker configuration") from None


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
