"""One observer that tells several others."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

from webhook.core.observe import CacheEvent, EventOutcome, Facts, Observer, Silent, Span, Tracer


class Both:
    """Passes every moment on to each observer, in order, and spans to the tracer."""

    def __init__(self, observers: Sequence[Observer], tracer: Tracer | None = None) -> None:
        self._observers = tuple(observers)
        self._tracer = tracer or Silent()

    def span(
        self, name: str, facts: Facts, *, outside: bool = False
    ) -> AbstractContextManager[Span]:
        """See Tracer."""
        return self._tracer.span(name, facts, outside=outside)

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
