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

from collections.abc import Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import yaml

from webhook.core.errors import BadSettings
from webhook.core.image import DOCKER_HUB, Reference
from webhook.oci.addresses import Network
from webhook.oci.connect import check_pem
from webhook.oci.endpoint import PORTS, Endpoint, Login, Registry

DEFAULT = "_default"
_ANY = "any.registry.invalid"  # stands for the image's own registry (RFC 6761: never resolves)
_HOST_KEYS = frozenset({"ca", "addresses", "credentials", "overridePath"})
_MIRROR_KEYS = _HOST_KEYS | {"url", "capabilities"}
_REGISTRY_KEYS = _HOST_KEYS | {"mirrors", "server", "plainHTTP", "lookup"}
_LARGEST_FILE = 1 << 20


class Registries:
    """What the registries file says; without one, each registry is asked over https."""

    def __init__(self, entries: object = None, *, folder: Path = Path()) -> None:
        """Read the file's content, all of it; relative paths in it start from `folder`."""
        self._folder = folder
        known = _mapping(entries, "the file")
        self._default = self._read(_ANY, _mapping(known.get(DEFAULT), DEFAULT))
        self._known = {
            name: self._read(name, _mapping(value, name))
            for name, value in known.items()
            if name != DEFAULT
        }
        self._hosts: dict[tuple[str, int], Endpoint] = {}
        for registry in (*self._known.values(), self._default):
            # A registry's own entry says more about its host than another's list of mirrors.
            for endpoint in sorted(registry.endpoints, key=lambda each: each.mirror):
                self._hosts.setdefault(endpoint.address, endpoint)

    def of(self, reference: Reference) -> Registry:
        """Give whom to ask for an image."""
        name = reference.registry
        return self._known.get(name) or Registry(
            tuple(
                replace(each, root=each.root.replace(_ANY, _host_of(name), 1))
                for each in self._default.endpoints
            ),
            self._default.lookup,
        )

    def host(self, host: str, port: int) -> Endpoint | None:
        """Give how to talk to a host, if the file says anything about it."""
        return self._hosts.get((host.lower(), port))

    def knows(self, registry: str) -> bool:
        """Tell whether the file lists a registry by its name."""
        return registry in self._known

    def _read(self, name: str, entry: Mapping[str, Any]) -> Registry:
        _only(entry, _REGISTRY_KEYS, name)
        lookup = entry.get("lookup", "always")
        if lookup not in ("always", "never"):
            raise BadSettings(f"registries: {name}: lookup is `always` or `never`")
        mirrors = entry.get("mirrors") or []
        if not isinstance(mirrors, list):
            raise BadSettings(f"registries: {name}: mirrors is a list")
        endpoints = [self._mirror(mirror, name) for mirror in mirrors]
        endpoints.append(self._server(entry, name))
        return Registry(tuple(endpoints), lookup == "always")

    def _server(self, entry: Mapping[str, Any], name: str) -> Endpoint:
        host = _host_of(name)
        scheme = "http" if entry.get("plainHTTP") is True else "https"
        url = entry.get("server") or f"{scheme}://{host}"
        known = self._endpoint(url, entry, name)
        return replace(known, mirror=known.authority not in (host, name))

    def _mirror(self, value: object, name: str) -> Endpoint:
        entry = {"url": value} if isinstance(value, str) else _mapping(value, f"{name}: mirrors")
        _only(entry, _MIRROR_KEYS, f"{name}: mirrors")
        capabilities = entry.get("capabilities", ["pull", "resolve"])
        endpoint = self._endpoint(entry.get("url"), entry, f"{name}: mirrors")
        return replace(endpoint, mirror=True, resolves="resolve" in capabilities)

    def _endpoint(self, url: object, entry: Mapping[str, Any], where: str) -> Endpoint:
        parts = _split(url)
        if parts is None:
            raise BadSettings(f"registries: {where}: {url!r} is no http:// or https:// URL")
        path = parts.path.rstrip("/")
        if entry.get("overridePath") is not True and not path.endswith("/v2"):
            path += "/v2"
        return Endpoint(
            f"{parts.scheme}://{parts.netloc.lower()}{path}",
            ca=tuple(self._pem(ca, where) for ca in _list(entry.get("ca"))),
            networks=tuple(_network(each, where) for each in _list(entry.get("addresses"))),
            login=self._login(entry.get("credentials"), where),
        )

    def _pem(self, value: object, where: str) -> str:
        inline = isinstance(value, str) and "-----BEGIN" in value
        try:
            pem = str(value) if inline else read_small(self._folder / str(value))
            check_pem(pem)
        except (OSError, ValueError, BadSettings) as error:
            shown = "" if inline else f" {value}"
            raise BadSettings(f"registries: {where}: ca{shown}: {error}") from error
        return pem

    def _login(self, value: object, where: str) -> Login | None:
        if value is None:
            return None
        entry = _mapping(value, f"{where}: credentials")
        _only(entry, frozenset({"username", "passwordFile"}), f"{where}: credentials")
        username, file = entry.get("username"), entry.get("passwordFile")
        if not isinstance(username, str) or not isinstance(file, str):
            raise BadSettings(f"registries: {where}: credentials need username and passwordFile")
        return Login(username, str(self._folder / file))


def load(path: Path) -> Registries:
    """Read the registries file. Raises BadSettings that names the entry."""
    try:
        entries = yaml.safe_load(read_small(path))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise BadSettings(f"{path} can't be read: {error}") from error
    return Registries(entries, folder=path.parent)


def read_small(path: Path) -> str:
    """Read a text file that has no reason to be large."""
    with path.open("rb") as file:
        content = file.read(_LARGEST_FILE + 1)
    if len(content) > _LARGEST_FILE:
        raise ValueError(f"{path} is larger than 1 MiB")
    return content.decode()


def _split(url: object) -> SplitResult | None:
    """Take a URL apart; None unless it names a host over http or https and nothing secret."""
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
        valid = parts and parts.scheme in PORTS and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts if valid and parts and parts.username is None else None


def _host_of(registry: str) -> str:
    return "registry-1.docker.io" if registry == DOCKER_HUB else registry


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise BadSettings(f"registries: {where} is no mapping")
    return value


def _only(entry: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    strange = sorted(entry.keys() - known)
    if "skip_verify" in strange or "skipVerify" in strange:
        raise BadSettings(
            f"registries: {where}: certificates are always verified",
            next_step="Give the registry's own authority as `ca`.",
        )
    if strange:
        raise BadSettings(
            f"registries: {where}: unknown {', '.join(strange)}",
            next_step=f"Known are {', '.join(sorted(known))}.",
        )


def _list(value: object) -> Sequence[object]:
    if value is None:
        return ()
    return value if isinstance(value, list | tuple) else (value,)


def _network(value: object, where: str) -> Network:
    try:
        return ip_network(str(value))
    except ValueError as error:
        raise BadSettings(f"registries: {where}: addresses: {error}") from error
