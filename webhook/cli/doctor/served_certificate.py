"""The leaf that is served: seen in a handshake, or reported by a replica."""

import asyncio
import base64
import binascii
import re
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from webhook.cli.doctor.finding import attempt
from webhook.cli.installation.survey import Installation
from webhook.kube.client import KubeClient
from webhook.kube.errors import KubeError
from webhook.tls import bundle
from webhook.tls.issue import Certificate

_EXPIRY = re.compile(r"^initshim_certificate_expiry_timestamp_seconds ([0-9.e+]+)$", re.MULTILINE)
_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Served:
    """What the Service serves: until when the leaf is valid, or what was wrong with it."""

    until: datetime | None = None
    trouble: str = ""
    reported: bool = False
    """A replica's own word for it, where there was no handshake."""


def published(installed: Installation) -> tuple[Certificate, ...]:
    """Give the CAs that the API server verifies the webhook by."""
    try:
        return bundle.parse(base64.b64decode(installed.client_config.get("caBundle") or ""))
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


async def reported(client: KubeClient, installed: Installation) -> Served | None:
    """Give what a replica says of its leaf in its metrics, read through the API server's proxy."""
    spec = (installed.service.get("spec") or {}) if isinstance(installed.service, dict) else {}
    ports = [each["port"] for each in spec.get("ports") or () if each.get("name") == "http"]
    if not ports or installed.service_ref is None:
        return None
    name = f"http:{installed.service_ref.name}:{ports[0]}"
    path = f"{installed.service_ref.kind.path(installed.namespace)}/{name}/proxy/metrics"
    told = await attempt(client.text(f"services/proxy {installed.namespace}/{name}", path))
    if isinstance(told, KubeError):
        return None
    found = _EXPIRY.search(told)
    return Served(datetime.fromtimestamp(float(found[1]), UTC), reported=True) if found else None
