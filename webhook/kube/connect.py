"""Where the API server is and who we are there, in a pod; kubeconfig.py reads those of people.

In a pod the kubelet renews the service account's token (hourly by default) and the cluster's CA in
place, so both are read again at every call. docs/adr/0003 says why no library does this here.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from webhook.base.files import read_capped
from webhook.kube.errors import NoCluster

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True)
class Connection:
    """An API server and how to speak to it; `token` is asked before every call."""

    server: str
    tls: ssl.SSLContext
    token: Callable[[], Awaitable[str | None]]
    namespace: str = "default"
    proxy: str | None = None
    server_name: str | None = None  # what the certificate names, where the URL doesn't


class ServiceAccount:
    """A pod's own identity, from the files that the kubelet keeps fresh."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ca = self._read("ca.crt")
        self._token = self._read("token")
        self.namespace = self._read("namespace") or "default"
        self.tls = ssl.create_default_context(cadata=self._ca)

    async def token(self) -> str:
        """Give the token as it is now; the last one while the files can't be read.

        A new cluster CA is trusted from here on, beside the one before it.
        """
        try:
            ca, token = await asyncio.to_thread(lambda: (self._read("ca.crt"), self._read("token")))
            if ca != self._ca:
                self.tls.load_verify_locations(cadata=ca)
                self._ca = ca
        except (OSError, ValueError, ssl.SSLError):
            return self._token  # between two writes of the kubelet: next call, next try
        self._token = token or self._token
        return self._token

    def _read(self, name: str) -> str:
        return read_capped(self._folder / name).decode("ascii").strip()


def in_cluster(environ: Mapping[str, str], *, folder: Path = SERVICE_ACCOUNT) -> Connection:
    """Connect as the pod's service account; `environ` is the pod's environment."""
    host = environ.get("KUBERNETES_SERVICE_HOST", "")
    port = environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise NoCluster(
            "This is no pod of a cluster: KUBERNETES_SERVICE_HOST is not set",
            next_step="Run it in a pod, or try it out with `initshim serve --dev`.",
        )
    try:
        account = ServiceAccount(folder)
    except (OSError, ValueError, ssl.SSLError) as error:
        raise NoCluster(
            f"The service account in {folder} can't be used: {error}",
            next_step="Set automountServiceAccountToken: true on the pod.",
        ) from error
    shown = f"[{host}]" if ":" in host else host
    return Connection(
        server=f"https://{shown}:{port}",
        tls=account.tls,
        token=account.token,
        namespace=account.namespace,
    )
