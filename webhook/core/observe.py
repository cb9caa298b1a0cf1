"""What happened, told to whoever wants to know: metrics, logs and traces are observers."""

from typing import Literal, Protocol

CacheEvent = Literal["hit", "miss", "joined", "stale"]
EventOutcome = Literal["written", "failed", "dropped"]


class Observer(Protocol):
    """Hooks, called synchronously from the event loop; none may raise or block."""

    def container(self, outcome: str) -> None:
        """One container of a review was decided: "wrapped", or a reason's public name."""

    def lookup(self, registry: str, outcome: str, seconds: float) -> None:
        """A registry was asked; outcome is "ok" or a reason's public name."""

    def cache(self, event: CacheEvent) -> None:
        """An image's configuration was asked of the cache."""

    def event(self, outcome: EventOutcome) -> None:
        """What became of a Kubernetes Event that was to be written."""

    def note(self, event: str, **fields: object) -> None:
        """Something that an operator wants to read in the log; never a secret."""


class Silent:
    """The observer that tells nobody."""

    def container(self, outcome: str) -> None:
        """See Observer."""

    def lookup(self, registry: str, outcome: str, seconds: float) -> None:
        """See Observer."""

    def cache(self, event: CacheEvent) -> None:
        """See Observer."""

    def event(self, outcome: EventOutcome) -> None:
        """See Observer."""

    def note(self, event: str, **fields: object) -> None:
        """See Observer."""
