"""What is remembered of registries: bounded by weight, and given only to who could read it there.

Three kinds of memory: tags point to digests for a short time; content by digest holds for good,
as long as there is room; and a reader is known to have had access to a digest. Content is handed
out only for a digest that the caller's own reader was shown by the registry (semantics §2).
"""

from collections.abc import Iterable
from functools import partial

from msgspec import Struct

from webhook.base import tenants
from webhook.base.lru import Lru
from webhook.core.image import Reference
from webhook.oci.manifests import Configuration, Document, Index
from webhook.oci.platforms import Known

_HEAVIEST = 32 << 20
_ENTRY = 200  # bytes that Python itself needs for a key, a value and their places, roughly


class Pin(Struct, frozen=True):
    """Where a tag pointed to: current until `fresh`, better than nothing until `usable`."""

    digest: str
    fresh: float
    usable: float


class Memory:
    """Tags, documents and configurations: at most `entries` and some 32 MiB of each."""

    def __init__(self, *, entries: int, fresh: float, usable: float) -> None:
        self._pins: Lru[tuple[str, str, str], Pin] = Lru(entries)
        self._shown: Lru[tuple[str, str, str], bool] = Lru(entries)
        self._seen: Lru[tuple[str, str], str] = Lru(entries)
        self._documents: Lru[tuple[str, str], Document] = Lru(entries, weight=_HEAVIEST)
        self._configurations: Lru[tuple[str, str], Configuration] = Lru(entries, weight=_HEAVIEST)
        self._fresh = fresh
        self._usable = usable

    def digest(
        self, reference: Reference, readers: Iterable[str], *, now: float, stale: bool = False
    ) -> str | None:
        """Give the digest that one of the readers was shown for a reference, if it still counts."""
        name = reference.name
        if reference.digest:
            keys = ((name, reference.digest, reader) for reader in readers)
            return reference.digest if any(self._shown.get(key) for key in keys) else None
        latest = None
        for reader in readers:
            pin = self._pins.get((name, reference.version, reader))
            if pin is None or now >= (pin.usable if stale else pin.fresh):
                continue
            if latest is None or pin.fresh > latest.fresh:
                latest = pin
        return latest.digest if latest else None

    def note_shown(self, reference: Reference, digest: str, reader: str, *, now: float) -> None:
        """Remember that the registry showed a reader this digest for a reference."""
        name = reference.name
        owner = tenants.current()
        self._shown.put((name, digest, reader), True, owner=owner)
        if not reference.digest:
            pin = Pin(digest, now + self._fresh, now + self._usable)
            self._pins.put((name, reference.version, reader), pin, owner=owner)
            self._seen.put((name, reference.version), digest, owner=owner)

    def likely(self, reference: Reference) -> bool:
        """Tell whether the content is probably known, whoever asked: then HEAD is enough."""
        name = reference.name
        digest = reference.digest or self._seen.get((name, reference.version))
        return digest is not None and self.document(name, digest) is not None

    def document(self, name: str, digest: str) -> Document | None:
        """Give an index or a manifest by its digest."""
        return self._documents.get((name, digest))

    def keep_document(self, name: str, digest: str, document: Document) -> None:
        """Remember an index or a manifest for good."""
        entries = len(document.entries) if isinstance(document, Index) else 1
        weight = _ENTRY * (1 + entries)
        self._documents.put((name, digest), document, weight=weight, owner=tenants.current())

    def configuration(self, name: str, digest: str) -> Configuration | None:
        """Give a configuration by its digest."""
        return self._configurations.get((name, digest))

    def keep_configuration(self, name: str, digest: str, configuration: Configuration) -> None:
        """Remember a configuration for good."""
        argv = (*configuration.runs.entrypoint, *configuration.runs.cmd)
        weight = _ENTRY + sum(map(len, argv)) * 4 + 64 * len(argv)
        owner = tenants.current()
        self._configurations.put((name, digest), configuration, weight=weight, owner=owner)

    def known(self, name: str) -> Known:
        """Give what is remembered of one repository."""
        return Known(partial(self.document, name), partial(self.configuration, name))
