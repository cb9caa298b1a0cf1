"""Where the certificate comes from, as the settings ask."""

import ssl
from typing import TYPE_CHECKING, Protocol

from webhook.core.observe import Observer
from webhook.settings import Settings
from webhook.tls.files import Files
from webhook.tls.state import Lives, State, Timing

if TYPE_CHECKING:
    from webhook.kube.client import KubeClient


class Certificates(Protocol):
    """What looks after the certificate: a context to serve with, what is so, and a loop."""

    tls: ssl.SSLContext
    state: State

    async def run(self) -> None:
        """Look after the certificate for ever."""

    def doubt(self) -> None:
        """Hear that a client does not trust the certificate."""


def make_certificates(
    settings: Settings,
    *,
    client: "KubeClient | None",
    observer: Observer,
    lives: Lives | None = None,
    timing: Timing | None = None,
) -> Certificates:
    """Make what looks after the certificate; built in needs a client.

    Raises BadSettings where it has none.
    """
    if settings.tls == "files" and settings.tls_cert_file and settings.tls_key_file:
        return Files(
            settings.tls_cert_file, settings.tls_key_file, observer=observer, timing=timing
        )
    # Importing what makes certificates takes 8 MB; where files are given it is not needed.
    from webhook.assembly.rotation import make_rotation  # noqa: PLC0415

    return make_rotation(settings, client=client, observer=observer, lives=lives, timing=timing)
