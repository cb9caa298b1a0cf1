"""One observer that tells several others."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from webhook.core.log_events import LogEvent
from webhook.core.observe import (
    Attributes,
    CacheEvent,
    EventOutcome,
    Observer,
    Silent,
    Span,
    Tracer,
)


class FanOut:
    """Passes every event on to each observer that handles it, in order, and spans to the tracer."""

    def __init__(self, observers: Sequence[Observer], tracer: Tracer | None = None) -> None:
        self._tracer = tracer or Silent()
        self._containers = _who_cares(observers, "containers")
        self._lookup = _who_cares(observers, "lookup")
        self._cache = _who_cares(observers, "cache")
        self._event = _who_cares(observers, "event")
        self._note = _who_cares(observers, "note")

    def span(
        self, name: str, attributes: Attributes, *, outside: bool = False
    ) -> AbstractContextManager[Span]:
        """See Tracer."""
        return self._tracer.span(name, attributes, outside=outside)

    def containers(self, outcomes: Iterable[str]) -> None:
        """See Observer."""
        for tell in self._containers:
            tell(outcomes)

    def lookup(self, registry: str, outcome: str, seconds: float) -> None:
        """See Observer."""
        for tell in self._lookup:
            tell(registry, outcome, seconds)

    def cache(self, event: CacheEvent) -> None:
        """See Observer."""
        for tell in self._cache:
            tell(event)

    def event(self, outcome: EventOutcome) -> None:
        """See Observer."""
        for tell in self._event:
            tell(outcome)

    def note(self, event: LogEvent, **fields: object) -> None:
        """See Observer."""
        for tell in self._note:
            tell(event, **fields)


def _who_cares(observers: Sequence[Observer], moment: str) -> tuple[Callable[..., None], ...]:
    """Give the methods that do something: most observers inherit most of them from Silent."""
    silent: Any = getattr(Silent, moment)
    return tuple(
        getattr(each, moment) for each in observers if getattr(type(each), moment, None) != silent
    )
