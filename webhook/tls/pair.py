"""A certificate, and a pair of a certificate and its key, as values."""

from dataclasses import dataclass, field
from datetime import datetime

from webhook.core.errors import InitshimError


class BadCertificate(InitshimError):
    """A certificate or a key can't be read, or the two don't belong together."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate in PEM and what has to be known of it."""

    pem: str
    fingerprint: str
    not_before: datetime
    not_after: datetime

    def valid(self, now: datetime) -> bool:
        """Tell whether it is valid at this time."""
        return self.not_before <= now <= self.not_after

    def renew_at(self, jitter: float) -> datetime:
        """Give the time of renewal: at 2/3 of its life, and up to 1/20 of it later."""
        life = self.not_after - self.not_before
        return self.not_before + life * (2 / 3 + jitter / 20)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate (its intermediates after it in `chain`) and the key that belongs to it."""

    certificate: Certificate
    chain: bytes
    key: bytes = field(repr=False)
