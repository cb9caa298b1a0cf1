"""Places that tenants share: whoever takes many leaves as many, and waits for itself alone.

The rule is that of switches which share a buffer (Choudhury and Hahne, "Dynamic queue length
thresholds"): a tenant may take another place as long as it has fewer than are free. So one alone
gets half, two get a third each, and a newcomer always finds a place.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Shares:
    """At most so many at once; a free place goes to whoever has the fewest, then who came first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: Counter[str] = Counter()
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
        if tenant not in self._waiting and self._allowed(tenant):
            self._held[tenant] += 1
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
        self._held[tenant] -= 1
        if not self._held[tenant]:
            del self._held[tenant]
        while True:
            ready = [each for each in self._waiting if self._allowed(each)]
            if not ready:
                return
            first = min(ready, key=self._held.__getitem__)
            turn = self._waiting[first][0]
            self._forget(first, turn)
            if first in self._waiting:
                self._waiting[first] = self._waiting.pop(first)  # the others' turn comes first
            if not turn.done():
                self._held[first] += 1
                turn.set_result(None)

    def _allowed(self, tenant: str) -> bool:
        return self._held[tenant] < self._most - self._held.total()

    def _forget(self, tenant: str, turn: asyncio.Future[None]) -> None:
        turns = self._waiting.get(tenant)
        if turns is not None and turn in turns:
            turns.remove(turn)
            if not turns:
                del self._waiting[tenant]
