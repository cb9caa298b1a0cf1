"""The adapters between the certificates' rotation, which knows no Kubernetes, and the cluster.

Rights, each by name alone: get, create and patch its Secret, get and patch its own configuration.
"""

import base64
import binascii
from collections.abc import Mapping
from datetime import timedelta

from webhook.core.errors import BadSettings
from webhook.core.observe import Observer
from webhook.kube.answers import last_change
from webhook.kube.client import KubeClient
from webhook.kube.errors import BadApiAnswer, Conflict, Missing
from webhook.kube.objects import MUTATING_WEBHOOK, SECRET, Json, Ref
from webhook.settings import Settings
from webhook.tls.memory import MemoryBundle, MemorySecret
from webhook.tls.publish import Published
from webhook.tls.rotate import Rotation
from webhook.tls.state import Lives, Timing
from webhook.tls.store import Contended, Stored


class KubeSecret:
    """A SecretStore in the cluster."""

    def __init__(self, client: KubeClient, ref: Ref) -> None:
        self._client = client
        self._ref = ref

    async def read(self) -> Stored | None:
        """See SecretStore."""
        try:
            return _stored(await self._client.get(self._ref))
        except Missing:
            return None

    async def write(self, data: Mapping[str, bytes], *, version: str | None) -> None:
        """See SecretStore. A missing Secret is made empty first: only one replica can fill it."""
        try:
            if version is None:
                made = _stored(await self._client.ensure(self._ref))
                if made.data:
                    raise Contended(f"{self._ref} was made by somebody else")
                version = made.version
            await self._client.merge_patch(
                self._ref,
                {
                    "metadata": {"resourceVersion": version},
                    "data": {key: base64.b64encode(data[key]).decode() for key in data},
                },
            )
        except (Conflict, Missing) as error:
            raise Contended(str(error)) from error


class KubeBundle:
    """A BundlePublisher: every `caBundle` of one MutatingWebhookConfiguration."""

    def __init__(self, client: KubeClient, ref: Ref) -> None:
        self._client = client
        self._ref = ref
        self._read: Json = {}

    async def read(self) -> Published:
        """See BundlePublisher."""
        self._read, now = await self._client.get_dated(self._ref)
        bundles = tuple(
            _decode((webhook.get("clientConfig") or {}).get("caBundle"))
            for webhook in self._read.get("webhooks") or []
        )
        if not bundles:
            raise BadApiAnswer(
                f"{self._ref} has no webhooks: there is no caBundle to set",
                next_step="Install the chart again.",
            )
        changed = last_change(self._read)
        unchanged = (now - changed).total_seconds() if now and changed else 0.0
        return Published(bundles, _version(self._read), unchanged)

    async def write(self, pem: bytes, *, version: str) -> None:
        """See BundlePublisher. A merge patch replaces a list whole: all else goes back as read."""
        text = base64.b64encode(pem).decode()
        webhooks = [
            {**webhook, "clientConfig": {**(webhook.get("clientConfig") or {}), "caBundle": text}}
            for webhook in self._read.get("webhooks") or []
        ]
        patch = {"metadata": {"resourceVersion": version}, "webhooks": webhooks}
        try:
            await self._client.merge_patch(self._ref, patch)
        except Conflict as error:
            raise Contended(str(error)) from error


def make_rotation(
    settings: Settings,
    *,
    client: KubeClient | None,
    observer: Observer,
    lives: Lives | None = None,
    timing: Timing | None = None,
) -> Rotation:
    """Make what renews a certificate of our own: in the cluster, or for this run only.

    Raises BadSettings where there is no cluster to publish it in.
    """
    service = f"{settings.service_name}.{settings.namespace}.svc"
    if settings.tls == "dev":
        return Rotation(
            MemorySecret(),
            MemoryBundle(),
            names=[service, "localhost"],
            observer=observer,
            lives=lives or Lives(lag=timedelta(0)),  # no API server follows with a delay
            timing=timing,
        )
    if client is None:
        raise BadSettings("tls: builtin needs a cluster to publish the certificate in")
    return Rotation(
        KubeSecret(client, Ref(SECRET, settings.tls_secret, settings.namespace)),
        KubeBundle(client, Ref(MUTATING_WEBHOOK, settings.webhook_name)),
        names=[service],
        observer=observer,
        lives=lives,
        timing=timing,
    )


def _stored(secret: Json) -> Stored:
    data = {str(key): _decode(value) for key, value in (secret.get("data") or {}).items()}
    return Stored(data, _version(secret))


def _version(found: Json) -> str:
    return str((found.get("metadata") or {}).get("resourceVersion", ""))


def _decode(value: object) -> bytes:
    """Decode what the API server gives as base64; what is none is nothing."""
    try:
        return base64.b64decode(value) if isinstance(value, str) else b""
    except binascii.Error:
        return b""
