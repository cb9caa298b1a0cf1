"""Whether the webhook wants to be called: what /readyz says."""

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Health:
    """Ready once the certificate is served and published, until the drain begins.

    `waiting_for` gives what is still missing, in words, or "".
    """

    def __init__(self, waiting_for: Callable[[], str] = lambda: "") -> None:
        self._waiting_for = waiting_for
        self.draining = False

    def obstacle(self) -> str:
        """Why not to send reviews here, in words; "" when ready."""
        return "draining: the process is about to end" if self.draining else self._waiting_for()


class CloseWhileDraining:
    """ASGI middleware: `Connection: close` on every response of a server that is draining.

    The API server keeps its connections and does not retry a call on one that went away; told
    to close, it opens the next one elsewhere. Semantics §6 has the measurement.
    """

    def __init__(self, app: ASGIApp, health: Health) -> None:
        self._app = app
        self._health = health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and mark the response."""

        async def closing(message: Message) -> None:
            if message["type"] == "http.response.start" and self._health.draining:
                message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            await send(message)

        await self._app(scope, receive, closing)
