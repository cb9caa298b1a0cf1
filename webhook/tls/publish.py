"""Publish CA certificates in the webhook configuration, and know since when each is there."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from itertools import chain
from typing import Protocol

from webhook.tls import bundle
from webhook.tls.pair import Certificate
from webhook.tls.state import Timing
from webhook.tls.store import Contended

_ATTEMPTS = 5
_CLOCKS_DIFFER = 60.0  # seconds, between two API servers of one cluster at the most


@dataclass(frozen=True, slots=True)
class Published:
    """The bundle of each webhook in the configuration, and the version a write has to name."""

    bundles: tuple[bytes, ...]
    version: str
    unchanged_for: float = 0.0
    """For how many seconds at least all of it has been as it is, by the API server's own clock."""


class BundlePublisher(Protocol):
    """The webhook configuration's bundles; all else in it is somebody else's."""

    async def read(self) -> Published:
        """Give the bundles as they are; an InitshimError where there is no configuration."""

    async def write(self, pem: bytes, *, version: str) -> None:
        """Set every webhook's bundle, or raise Contended if the configuration is not as read."""


class ObservedBundle:
    """The published bundle as this replica has seen it, or as the API server has it on record.

    The API server follows its own configuration with a lag, so what counts is for how long a
    certificate has been there, by a clock that doesn't jump. After a restart the waiting does not
    start anew where the API server says that nothing has changed for a while. A minute is taken
    off that: the time is one API server's, and may be read from another one.
    """

    def __init__(self, publisher: BundlePublisher, timing: Timing) -> None:
        self._publisher = publisher
        self._timing = timing
        self._since: dict[str, float] = {}

    async def publish(self, needed: Sequence[Certificate], *, now: datetime) -> bytes:
        """Add what is needed to every bundle, drop what expired, and give the bundle."""
        for _ in range(_ATTEMPTS):
            published = await self._publisher.read()
            live = [bundle.parse(pem) for pem in published.bundles]
            wanted = bundle.merge(needed, chain.from_iterable(live), now=now)
            pem = bundle.render(wanted)
            if all(pem == there for there in published.bundles):
                self._saw(wanted, before=published.unchanged_for - _CLOCKS_DIFFER)
                return pem
            self._saw(_everywhere(live))
            try:
                await self._publisher.write(pem, version=published.version)
            except Contended:
                continue
            self._saw(wanted)
            return pem
        raise Contended(
            f"The webhook configuration changed {_ATTEMPTS} times while it was written",
            next_step="See who else writes caBundle, cert-manager's cainjector for one.",
        )

    def remaining(self, certificate: Certificate, wait: timedelta) -> float:
        """Give the seconds until it will have been seen for this long; not there: infinite."""
        since = self._since.get(certificate.fingerprint)
        if since is None:
            return math.inf
        return max(0.0, since + wait.total_seconds() - self._timing.monotonic())

    def _saw(self, present: Iterable[Certificate], *, before: float = 0.0) -> None:
        at = self._timing.monotonic() - max(0.0, before)
        self._since = {one.fingerprint: self._since.get(one.fingerprint, at) for one in present}


def _everywhere(live: list[tuple[Certificate, ...]]) -> list[Certificate]:
    """Give the certificates that every bundle has."""
    common = reduce(lambda one, other: one & other, map(set, live)) if live else set()
    return list(common)
