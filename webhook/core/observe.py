"""What happened, told to whoever wants to know: metrics, logs and traces are observers.

An Observer hears of single events; a Tracer, of parts of the work, which begin and end.
"""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Literal, Protocol

from webhook.core.log_events import LogEvent

CacheEvent = Literal["hit", "miss", "joined", "stale"]
EventOutcome = Literal["written", "failed", "dropped"]


Attributes = Mapping[str, str | int | bool]


class Span(Protocol):
    """A part of the work that has begun."""

    def record(self, attributes: Attributes, *, failure: str = "") -> None:
        """Add what became known, and in a word why it failed, if it did; never a secret."""


class Tracer(Protocol):
    """Whoever wants to know how long each part of the work took, and what it was a part of."""

    def span(
        self, name: str, attributes: Attributes, *, outside: bool = False
    ) -> AbstractContextManager[Span]:
        """Begin a part of the work, which ends with the block; what begins in it belongs to it.

        `outside` says that it is a call to another program. Attributes hold no secret. The block's
        exceptions pass.
        """


class Observer(Tracer, Protocol):
    """Hooks, called synchronously from the event loop; none may raise or block."""

    def containers(self, outcomes: Iterable[str]) -> None:
        """The containers of a review were decided: each "wrapped", or a reason's public name."""

    def lookup(self, registry: str, outcome: str, seconds: float) -> None:
        """A registry was asked; outcome is "ok" or a reason's public name."""

    def cache(self, event: CacheEvent) -> None:
        """An image's configuration was asked of the cache."""

    def event(self, outcome: EventOutcome) -> None:
        """What became of a Kubernetes Event that was to be written."""

    def note(self, event: LogEvent, **fields: object) -> None:
        """Something that an operator wants to read in the log; never a secret."""


class _NoSpan(AbstractContextManager["_NoSpan"]):
    """The span that tells nobody."""

    def __exit__(self, *_: object) -> None:
        return None

    def record(self, attributes: Attributes, *, failure: str = "") -> None:
        """See Span."""


_NO_SPAN = _NoSpan()


class Silent:
    """The observer that tells nobody."""

    def span(
        self,
        name: str,  # noqa: ARG002 - the interface's
        attributes: Attributes,  # noqa: ARG002
        *,
        outside: bool = False,  # noqa: ARG002
    ) -> AbstractContextManager[Span]:
        """See Tracer."""
        return _NO_SPAN

    def containers(self, outcomes: Iterable[str]) -> None:
        """See Observer."""

    def lookup(self, registry: str, outcome: str, seconds: float) -> None:
        """See Observer."""

    def cache(self, event: CacheEvent) -> None:
        """See Observer."""

    def event(self, outcome: EventOutcome) -> None:
        """See Observer."""

    def note(self, event: LogEvent, **fields: object) -> None:
        """See Observer."""
