"""A kubeconfig's context as a connection: certificates, tokens, token files and exec plugins.

Format: kubernetes.io/docs/reference/config-api/kubeconfig.v1. Several files are merged as kubectl
does: the first to define a name wins.
"""

import base64
import binascii
import ssl
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from webhook.kube.connect import Connection, read_capped
from webhook.kube.errors import NoCluster
from webhook.kube.exec_plugin import ExecPlugin

_SECTIONS = {"clusters": "cluster", "users": "user", "contexts": "context"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One named entry of a kubeconfig, and the folder its relative paths start from."""

    what: str
    fields: Mapping[str, Any]
    folder: Path

    def text(self, key: str) -> str:
        """Give a field's text, "" where there is none."""
        value = self.fields.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise NoCluster(f"In the kubeconfig, {key} of {self.what} is no text.")
        return value

    def path(self, key: str) -> Path | None:
        """Give a field's path, from the kubeconfig's folder."""
        value = self.text(key)
        return self.folder / value if value else None

    def content(self, key: str) -> bytes | None:
        """Give a file's content: inline in `key`-data, which wins, or in the file `key` names."""
        inline, path = self.text(f"{key}-data"), self.path(key)
        try:
            if inline:
                return base64.b64decode(inline, validate=True)
            return read_capped(path) if path else None
        except (OSError, binascii.Error) as error:
            raise NoCluster(
                f"In the kubeconfig, {key} of {self.what} can't be read: {error}."
            ) from error


def connect(
    paths: Sequence[Path], environ: Mapping[str, str], *, context: str | None = None
) -> Connection:
    """Give the connection of a context: the one named, or the current one."""
    entries, current = _merge(paths)
    chosen = _entry(entries, "context", context or current)
    cluster = _entry(entries, "cluster", chosen.text("cluster"))
    user = _entry(entries, "user", chosen.text("user")) if chosen.text("user") else None
    server = cluster.text("server")
    if not server.startswith(("https://", "http://")):
        raise NoCluster(f"In the kubeconfig, {cluster.what} has no server URL.")
    if cluster.text("tls-server-name"):
        raise NoCluster(
            f"In the kubeconfig, {cluster.what} sets tls-server-name, which is not supported.",
            next_step="Use a server URL that the certificate names.",
        )
    tls = _trust(cluster)
    return Connection(
        server=server.rstrip("/"),
        tls=tls,
        token=_Credentials(user, tls, environ).token,
        namespace=chosen.text("namespace") or "default",
        proxy=cluster.text("proxy-url") or None,
    )


class _Credentials:
    """Who the kubeconfig's user is: a client certificate, a token, or what a plugin says."""

    def __init__(self, user: Entry | None, tls: ssl.SSLContext, environ: Mapping[str, str]) -> None:
        self._fixed = user.text("token") if user else ""
        self._file = user.path("tokenFile") if user else None
        self._tls = tls
        self._plugin: ExecPlugin | None = None
        if user is None:
            return
        certificate, key = user.content("client-certificate"), user.content("client-key")
        if certificate and key:
            present(tls, certificate, key)
        if "auth-provider" in user.fields or user.text("username"):
            raise NoCluster(
                f"In the kubeconfig, {user.what} uses a login that Kubernetes dropped.",
                next_step="Use a token, a client certificate or an exec plugin.",
            )
        if "exec" in user.fields:
            self._plugin = ExecPlugin.read(user.fields["exec"], environ, folder=user.folder)

    async def token(self) -> str | None:
        if self._plugin:
            answer = await self._plugin.ask()
            if answer.certificate and answer.key:
                present(self._tls, answer.certificate, answer.key)
            return answer.token
        if self._fixed or self._file is None:
            return self._fixed or None
        try:
            return read_capped(self._file).decode("ascii").strip()
        except (OSError, ValueError) as error:
            raise NoCluster(f"The token file {self._file} can't be read: {error}.") from error


def present(tls: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Show a client certificate from now on; OpenSSL reads files alone, so there is one briefly."""
    with tempfile.NamedTemporaryFile() as file:  # mode 0600
        file.write(certificate + b"\n" + key)
        file.flush()
        try:
            tls.load_cert_chain(file.name)
        except (ssl.SSLError, OSError) as error:
            raise NoCluster(f"The client certificate can't be used: {error}.") from error


def _trust(cluster: Entry) -> ssl.SSLContext:
    ca = cluster.content("certificate-authority")
    try:
        tls = ssl.create_default_context(cadata=ca.decode("ascii") if ca else None)
    except (ssl.SSLError, ValueError) as error:
        raise NoCluster(
            f"In the kubeconfig, the CA of {cluster.what} can't be used: {error}."
        ) from error
    if cluster.fields.get("insecure-skip-tls-verify") is True:
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    return tls


def _merge(paths: Sequence[Path]) -> tuple[dict[tuple[str, str], Entry], str]:
    entries: dict[tuple[str, str], Entry] = {}
    current = ""
    for path in paths:
        document = _load(path)
        current = current or str(document.get("current-context") or "")
        for section, singular in _SECTIONS.items():
            for item in document.get(section) or []:
                if not isinstance(item, dict) or not isinstance(item.get(singular), dict):
                    raise NoCluster(f"{path}: an entry of {section} has no {singular}.")
                name = str(item.get("name", ""))
                entry = Entry(f"{singular} {name!r}", item[singular], path.parent)
                entries.setdefault((singular, name), entry)
    return entries, current


def _load(path: Path) -> dict[str, Any]:
    try:
        document = YAML(typ="safe", pure=True).load(read_capped(path))
    except (OSError, YAMLError, UnicodeDecodeError) as error:
        raise NoCluster(f"The kubeconfig {path} can't be read: {error}.") from error
    if not isinstance(document, dict):
        raise NoCluster(f"The kubeconfig {path} is no kubeconfig.")
    return document


def _entry(entries: Mapping[tuple[str, str], Entry], singular: str, name: str) -> Entry:
    entry = entries.get((singular, name))
    if entry is None:
        known = ", ".join(known for kind, known in entries if kind == singular) or "none"
        raise NoCluster(
            f"The kubeconfig has no {singular} {name!r}.", next_step=f"It has: {known}."
        )
    return entry
