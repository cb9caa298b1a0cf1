"""What is asked, as whom, and what came of it."""

from msgspec import Struct

from webhook.core.argv import ImageConfig
from webhook.core.errors import LookupFailed
from webhook.core.image import Reference
from webhook.oci.cache import Memory
from webhook.oci.manifests import Manifest, Platform
from webhook.oci.platforms import agree, alone, survey


class Found(Struct, frozen=True):
    """What an image runs, and how that is known; `credential` is a name, never a value."""

    config: ImageConfig
    digest: str
    endpoint: str
    credential: str
    platforms: tuple[Platform, ...] = ()


class Question(Struct, frozen=True):
    """Who asks for what; whoever asks the same shares the answer."""

    reference: Reference
    readers: frozenset[str]
    architectures: frozenset[str]

    def remembered(self, memory: Memory, *, now: float, stale: bool = False) -> Found | None:
        """Give the answer that is in the memory whole; raises LookupFailed as a lookup does.

        `stale` takes an expired one, and raises nothing: it is for while the registry is down.
        """
        name = self.reference.name
        digest = memory.digest(self.reference, self.readers, now=now, stale=stale)
        top = memory.document(name, digest) if digest else None
        if digest is None or top is None:
            return None
        try:
            if isinstance(top, Manifest):  # with nothing to choose from
                config = memory.configuration(name, top.config)
                return _found(config.runs, digest, alone(config, name)) if config else None
            found = survey(top, memory.known(name), self.architectures, name)
            return (
                _found(agree(found.images, name), digest, *found.images) if found.complete else None
            )
        except LookupFailed:
            if stale:
                return None
            raise


def _found(config: ImageConfig, digest: str, *platforms: Platform) -> Found:
    return Found(config, digest, "memory", "remembered", platforms)
