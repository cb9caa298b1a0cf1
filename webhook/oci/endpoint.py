"""Whom to ask for a registry's images, as values."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from webhook.oci.addresses import Network

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Login:
    """A user's name and the file with the password: read at each use, so it can be renewed."""

    username: str = field(repr=False)
    password_file: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One host that is asked: its URL up to the API's root, and how to talk to it."""

    root: str
    ca: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()
    login: Login | None = None
    resolves: bool = True
    mirror: bool = False

    @property
    def scheme(self) -> str:
        """`https`, or `http` where that is configured."""
        return self.root.partition("://")[0]

    @property
    def authority(self) -> str:
        """Host and port as written: what credentials are matched against, what people read."""
        return urlsplit(self.root).netloc

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, made comparable."""
        return address_of(self.root)


@dataclass(frozen=True, slots=True)
class Registry:
    """Whom to ask for a registry's images, in order; nobody where `lookup` is False."""

    endpoints: tuple[Endpoint, ...]
    lookup: bool = True


def address_of(url: str) -> tuple[str, int]:
    """Give the host and the port of a URL, made comparable."""
    parts = urlsplit(url)
    return (parts.hostname or "").lower(), parts.port or PORTS.get(parts.scheme, 0)
