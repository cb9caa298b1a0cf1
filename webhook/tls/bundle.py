"""The CA certificates that the API server is told to trust: `caBundle`.

One law keeps every replica's leaf verifiable: a certificate leaves the bundle only by expiring.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import chain

from webhook.tls.issue import read_certificate
from webhook.tls.pair import BadCertificate, Certificate

# A bundle is sent with every write of the configuration; expiry keeps it at two or three.
MOST = 16
# A clock may be wrong by hours; an expired certificate in a bundle does no harm.
_MARGIN = timedelta(days=1)
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def parse(pem: bytes) -> tuple[Certificate, ...]:
    """Read the certificates of a bundle; what is none is left out."""
    return tuple(chain.from_iterable(map(_read, _PEM.findall(pem))))


def merge(
    needed: Iterable[Certificate], found: Iterable[Certificate], *, now: datetime
) -> tuple[Certificate, ...]:
    """Give what to publish: all that is needed, and of what was found the unexpired, newest first.

    Each once and in an order that depends on nothing else, so that replicas agree to the byte.
    """
    chosen = {one.fingerprint: one for one in needed}
    for one in sorted(found, key=_age, reverse=True):
        if len(chosen) < MOST and now <= one.not_after + _MARGIN:
            chosen.setdefault(one.fingerprint, one)
    return tuple(sorted(chosen.values(), key=_age))


def render(certificates: Iterable[Certificate]) -> bytes:
    """Write a bundle in PEM."""
    return "".join(one.pem for one in certificates).encode()


def _read(pem: bytes) -> tuple[Certificate, ...]:
    try:
        return (read_certificate(pem),)
    except BadCertificate:
        return ()


def _age(one: Certificate) -> tuple[datetime, str]:
    return one.not_before, one.fingerprint
