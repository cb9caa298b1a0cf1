"""Certificates that somebody else renews: two files, from cert-manager or by hand.

The kubelet changes a mounted Secret by turning one symlink, other writers one file after the other:
the contents are compared, never times, and a pair that doesn't match yet is no reason to stop.
"""

import asyncio
from datetime import timedelta
from pathlib import Path

from webhook.base.files import read_capped
from webhook.core.errors import InitshimError
from webhook.core.log_events import LogEvent
from webhook.core.observe import Observer
from webhook.tls import context
from webhook.tls.pair import BadCertificate, Certificate
from webhook.tls.rehearse import read_served
from webhook.tls.state import State, Timing

_EVERY = timedelta(seconds=10)


class Files:
    """A certificate and a key in files, read again when they change."""

    def __init__(
        self,
        certificate: Path,
        key: Path,
        *,
        observer: Observer,
        every: timedelta = _EVERY,
        timing: Timing | None = None,
    ) -> None:
        self.tls = context.server_context()
        self.state = State()
        self._paths = (certificate, key)
        self._observer = observer
        self._every = every
        self._timing = timing or Timing()
        self._loaded: tuple[bytes, ...] = ()
        self._served: Certificate | None = None

    async def run(self) -> None:
        """Look after the files for ever."""
        while True:
            await self._timing.sleep(await self.step())

    def doubt(self) -> None:
        """Hear that a client does not trust the certificate; the files are read soon anyway."""

    async def step(self) -> float:
        """Serve the files' pair if it is new and fit; give the seconds until the next look."""
        try:
            content = await asyncio.to_thread(lambda: tuple(map(read_capped, self._paths)))
            if content != self._loaded:
                self._load(*content)
                self._loaded = content
            self.state.reason = ""
        except (OSError, InitshimError) as error:
            self._refuse(error)
        self._update_state()
        return self._every.total_seconds()

    def _load(self, chain: bytes, key: bytes) -> None:
        pair = read_served(chain, key)
        if not pair.certificate.valid(self._timing.clock()):
            raise BadCertificate(
                f"The certificate is valid from {pair.certificate.not_before:%Y-%m-%d %H:%M} "
                f"to {pair.certificate.not_after:%Y-%m-%d %H:%M} UTC, not now"
            )
        context.load(self.tls, pair)
        self._served = pair.certificate
        self._observer.note(
            LogEvent.CERTIFICATE_LOADED, expires=pair.certificate.not_after.isoformat()
        )

    def _refuse(self, error: Exception) -> None:
        certificate, key = self._paths
        kept = "the one before stays" if self._served else "there is none to serve"
        reason = f"{certificate} and {key} can't be used, {kept}: {error}"
        if reason != self.state.reason:
            self._observer.note(LogEvent.CERTIFICATE_FAILED, error=reason)
        self.state.reason = reason

    def _update_state(self) -> None:
        served = self._served
        self.state.expires_at = served.not_after if served else None
        self.state.ready = served is not None and served.valid(self._timing.clock())
