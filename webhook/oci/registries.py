"""The registries file: which hosts are asked for a registry's images, and how.

Modelled on containerd's hosts.toml, all registries in one YAML or JSON mapping:

    docker.io:
      mirrors: [https://mirror.example.com]
    registry.internal:5000:
      plainHTTP: true             # or: ca: /etc/initshim/ca.pem (or the PEM text itself)
      addresses: [10.96.0.0/12]   # refused by default: allowed for this host
      credentials: {username: robot, passwordFile: /run/secrets/robot}
    quay.io: {lookup: never}
    _default: {}                  # every registry that is not listed
"""

import ssl
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import ValidationError

from webhook.base.files import read_capped
from webhook.base.validation import sentence
from webhook.core.errors import BadSettings
from webhook.core.image import DOCKER_HUB, Reference
from webhook.oci.endpoint import Endpoint, Login, Registry
from webhook.oci.registries_file import DEFAULT, FILE, Credentials, Entry, Host, Mirror

_OTHERS = 256  # registries that are not listed, whose endpoints are remembered
_ANY = "any.registry.invalid"  # stands for the image's own registry (RFC 6761: never resolves)


class Registries:
    """What the registries file says; without one, each registry is asked over https."""

    def __init__(self, entries: object = None, *, folder: Path = Path()) -> None:
        """Read the file's content, all of it; relative paths in it start from `folder`.

        Raises BadSettings that names the entry.
        """
        self._folder = folder
        try:
            read = FILE.validate_python({} if entries is None else entries)
        except ValidationError as error:
            raise BadSettings(sentence("registries", error)) from None
        known = {name: entry or Entry() for name, entry in read.items()}
        self._default = self._registry(_ANY, known.pop(DEFAULT, Entry()))
        self._known = {name: self._registry(name, entry) for name, entry in known.items()}
        self._other = lru_cache(maxsize=_OTHERS)(self._unlisted)
        self._hosts: dict[tuple[str, int], Endpoint] = {}
        registries = (*self._known.values(), self._default)
        endpoints = [each for registry in registries for each in registry.endpoints]
        # A registry's own entry says more about its host than another's list of mirrors.
        for endpoint in sorted(endpoints, key=lambda each: each.mirror):
            self._hosts.setdefault(endpoint.address, endpoint)

    def of(self, reference: Reference) -> Registry:
        """Give whom to ask for an image."""
        name = reference.registry
        return self._known.get(name) or self._other(name)

    def host(self, host: str, port: int) -> Endpoint | None:
        """Give how to talk to a host, if the file says anything about it."""
        return self._hosts.get((host.lower(), port))

    def knows(self, registry: str) -> bool:
        """Tell whether the file lists a registry by its name."""
        return registry in self._known

    def _unlisted(self, name: str) -> Registry:
        endpoints = (
            replace(each, root=each.root.replace(_ANY, _host_of(name), 1))
            for each in self._default.endpoints
        )
        return Registry(tuple(endpoints), self._default.lookup)

    def _registry(self, name: str, entry: Entry) -> Registry:
        endpoints = [self._mirror(mirror, name) for mirror in entry.mirrors]
        endpoints.append(self._server(entry, name))
        return Registry(tuple(endpoints), entry.lookup == "always")

    def _server(self, entry: Entry, name: str) -> Endpoint:
        host = _host_of(name)
        scheme = "http" if entry.plain_http else "https"
        known = self._endpoint(entry.server or f"{scheme}://{host}", entry, name)
        return replace(known, mirror=known.authority not in (host, name))

    def _mirror(self, mirror: Mirror, name: str) -> Endpoint:
        endpoint = self._endpoint(mirror.url, mirror, f"{name}: mirrors")
        return replace(endpoint, mirror=True, resolves="resolve" in mirror.capabilities)

    def _endpoint(self, url: str, host: Host, where: str) -> Endpoint:
        try:
            root = host.root(url)
        except ValueError as error:
            raise BadSettings(f"registries: {where}: {error}") from None
        return Endpoint(
            root,
            ca=tuple(self._pem(ca, where) for ca in host.ca),
            networks=host.addresses,
            login=self._login(host.credentials),
        )

    def _login(self, given: Credentials | None) -> Login | None:
        return Login(given.username, str(self._folder / given.password_file)) if given else None

    def _pem(self, value: str, where: str) -> str:
        inline = "-----BEGIN" in value
        try:
            pem = value if inline else read_capped(self._folder / value).decode()
            _check_pem(pem)
        except (OSError, ValueError, BadSettings) as error:
            shown = "" if inline else f" {value}"
            raise BadSettings(f"registries: {where}: ca{shown}: {error}") from error
        return pem


def load(path: Path) -> Registries:
    """Read the registries file. Raises BadSettings that names the entry."""
    try:
        entries = yaml.safe_load(read_capped(path))
    except OSError as error:
        raise BadSettings(f"{path} can't be read: {error.strerror or error}") from error
    except (ValueError, yaml.YAMLError) as error:
        raise BadSettings(f"{path} can't be read: {error}") from error
    return Registries(entries, folder=path.parent)


def _host_of(registry: str) -> str:
    return "registry-1.docker.io" if registry == DOCKER_HUB else registry


def _check_pem(pem: str) -> None:
    """Raise BadSettings unless a text holds certificates."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        raise BadSettings(f"no certificates in PEM: {error}") from error
