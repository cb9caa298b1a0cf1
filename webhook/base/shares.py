"""Places that tenants share: whoever takes many leaves as many, and waits for itself alone."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from webhook.base.tenants import Held


class Shares:
    """At most so many at once; a free place goes to whoever has the fewest, then who came first."""

    def __init__(self, most: int) -> None:
        self._held = Held(most)
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @property
    def idle(self) -> bool:
        """Tell whether nobody has a place or waits for one."""
        return not self._held and not self._waiting

    def held(self, tenant: str) -> int:
        """Give how many places a tenant has."""
        return self._held[tenant]

    def waiting(self, tenant: str) -> int:
        """Give how many of a tenant's wait."""
        return len(self._waiting.get(tenant, ()))

    @asynccontextmanager
    async def place(self, tenant: str) -> AsyncIterator[None]:
        """Wait for a place, and keep it for the block."""
        await self.take(tenant)
        try:
            yield
        finally:
            self.give_back(tenant)

    async def take(self, tenant: str) -> None:
        """Wait for a place; whoever takes one gives it back."""
        if tenant not in self._waiting and self._held.allows(tenant):
            self._held.take(tenant)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back(tenant)
            else:
                self._forget(tenant, turn)
            raise

    def give_back(self, tenant: str) -> None:
        """Let the next have the place."""
        self._held.take(tenant, -1)
        while True:
            ready = [each for each in self._waiting if self._held.allows(each)]
            if not ready:
                return
            first = min(ready, key=self._held.__getitem__)
            turn = self._waiting[first][0]
            self._forget(first, turn)
            if first in self._waiting:
                self._waiting[first] = self._waiting.pop(first)  # the others' turn comes first
            if not turn.done():
                self._held.take(first)
                turn.set_result(None)

    def _forget(self, tenant: str, turn: asyncio.Future[None]) -> None:
        turns = self._waiting.get(tenant)
        if turns is not None and turn in turns:
            turns.remove(turn)
            if not turns:
                del self._waiting[tenant]
