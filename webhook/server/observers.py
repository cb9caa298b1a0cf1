"""One observer that tells several others."""

from collections.abc import Sequence

from webhook.core.observe import CacheEvent, EventOutcome, Observer


class Both:
    """Passes everything on to each observer, in order."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)

    def container(self, outcome: str) -> None:
        """See Observer."""
        for each in self._observers:
            each.container(outcome)

    def lookup(self, registry: str, outcome: str, seconds: float) -> None:
        """See Observer."""
        for each in self._observers:
            each.lookup(registry, outcome, seconds)

    def cache(self, event: CacheEvent) -> None:
        """See Observer."""
        for each in self._observers:
            each.cache(event)

    def event(self, outcome: EventOutcome) -> None:
        """See Observer."""
        for each in self._observers:
            each.event(outcome)

    def note(self, event: str, **fields: object) -> None:
        """See Observer."""
        for each in self._observers:
            each.note(event, **fields)
