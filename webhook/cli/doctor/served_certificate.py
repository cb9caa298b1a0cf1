"""The leaf that is served: seen in a handshake, or reported by a replica."""

import asyncio
import base64
import binascii
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client.parser import text_string_to_metric_families

from webhook.cli.doctor.cluster import Cluster
from webhook.kube.attempt import attempt
from webhook.kube.client import KubeClient
from webhook.kube.errors import KubeError
from webhook.tls import bundle
from webhook.tls.pair import Certificate

_EXPIRY = "initshim_certificate_expiry_timestamp_seconds"
_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Served:
    """What the Service serves: until when the leaf is valid, or what was wrong with it."""

    until: datetime | None = None
    trouble: str = ""
    reported: bool = False
    """A replica's own word for it, where there was no handshake."""


def published(cluster: Cluster) -> tuple[Certificate, ...]:
    """Give the CAs that the API server verifies the webhook by."""
    try:
        return bundle.parse(base64.b64decode(cluster.client_config.get("caBundle") or ""))
    except binascii.Error:
        return ()


async def handshake(
    where: tuple[str, int], *, name: str, authorities: Sequence[Certificate]
) -> Served | None:
    """Verify who answers, as the API server would; None where nobody can be reached from here."""
    if not authorities:
        return None
    loop = asyncio.get_running_loop()
    context = ssl.create_default_context(cadata=bundle.render(authorities).decode())
    try:
        async with asyncio.timeout(_SECONDS):
            await loop.getaddrinfo(*where, type=socket.SOCK_STREAM)
            _, writer = await asyncio.open_connection(*where, ssl=context, server_hostname=name)
    except ssl.SSLCertVerificationError as error:
        return Served(trouble=error.verify_message)
    except (OSError, TimeoutError):
        return None
    peer = writer.get_extra_info("peercert") or {}
    writer.transport.abort()
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(peer["notAfter"])), UTC)
    return Served(until)


async def reported(client: KubeClient, cluster: Cluster) -> Served | None:
    """Give what a replica says of its leaf in its metrics, read through the API server's proxy."""
    spec = (cluster.service.get("spec") or {}) if isinstance(cluster.service, dict) else {}
    ports = [each["port"] for each in spec.get("ports") or () if each.get("name") == "http"]
    if not ports or cluster.service_ref is None:
        return None
    name = f"http:{cluster.service_ref.name}:{ports[0]}"
    path = f"{cluster.service_ref.kind.path(cluster.namespace)}/{name}/proxy/metrics"
    exposition = await attempt(client.text(f"services/proxy {cluster.namespace}/{name}", path))
    return None if isinstance(exposition, KubeError) else _leaf_in(exposition)


def _leaf_in(exposition: str) -> Served | None:
    """Find the leaf's end among a replica's metrics; the CA's has another label."""
    try:
        for family in text_string_to_metric_families(exposition):
            for sample in family.samples:
                if sample.name == _EXPIRY and sample.labels.get("certificate") == "leaf":
                    return Served(datetime.fromtimestamp(sample.value, UTC), reported=True)
    except ValueError:  # what answers is not the webhook
        return None
    return None
