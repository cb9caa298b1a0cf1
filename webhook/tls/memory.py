"""A Secret and a webhook configuration in memory: certificates for a cluster of one.

For development: rotation works as in a cluster, and `State.bundle` is what a client has to trust.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from webhook.tls.publish import Published
from webhook.tls.store import Contended, Stored


@dataclass(slots=True)
class MemorySecret:
    """A SecretStore that ends with the process."""

    stored: Stored | None = None
    writes: int = 0

    async def read(self) -> Stored | None:
        """See SecretStore."""
        return self.stored

    async def write(self, data: Mapping[str, bytes], *, version: str | None) -> None:
        """See SecretStore."""
        present = self.stored.version if self.stored else None
        if version != present:
            raise Contended("The Secret changed")
        self.writes += 1
        self.stored = Stored(dict(data), str(self.writes))


@dataclass(slots=True)
class MemoryBundle:
    """A BundlePublisher that nobody reads but its owner."""

    published: Published = field(default_factory=lambda: Published((b"",), "1"))

    async def read(self) -> Published:
        """See BundlePublisher."""
        return self.published

    async def write(self, pem: bytes, *, version: str) -> None:
        """See BundlePublisher."""
        if version != self.published.version:
            raise Contended("The configuration changed")
        self.published = Published((pem,), str(int(version) + 1))
