"""Whether the webhook wants to be called: what /readyz says."""

from collections.abc import Callable


class Health:
    """Ready once the certificate is served and published, until the drain begins.

    `waiting_for` gives what is still missing, in words, or "".
    """

    def __init__(self, waiting_for: Callable[[], str] = lambda: "") -> None:
        self.waiting_for = waiting_for
        self.draining = False

    def obstacle(self) -> str:
        """Why not to send reviews here, in words; "" when ready."""
        return "draining: the process is about to end" if self.draining else self.waiting_for()
