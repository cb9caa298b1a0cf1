"""A bounded queue in which owners take turns: who puts in much waits for itself alone."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """Gives one item of each owner in turn; of one owner, the first that came."""

    def __init__(self, most: int) -> None:
        """`most` items wait at once."""
        self._most = most
        self._count = 0
        self._waiting: dict[str, deque[T]] = {}  # whose turn is next comes first
        self._some = asyncio.Event()

    def __len__(self) -> int:
        return self._count

    def put(self, owner: str, item: T) -> T | None:
        """Add an item. Where there is no room, give the latest of whoever has most waiting."""
        self._waiting.setdefault(owner, deque()).append(item)
        self._count += 1
        self._some.set()
        if self._count <= self._most:
            return None
        most = max(self._waiting, key=lambda each: len(self._waiting[each]))
        return self._take(most, self._waiting[most].pop)

    async def get(self) -> T:
        """Wait for the next item."""
        while not self._waiting:
            self._some.clear()
            await self._some.wait()
        owner = next(iter(self._waiting))
        queue = self._waiting[owner]
        item = self._take(owner, queue.popleft)
        if queue:
            self._waiting[owner] = self._waiting.pop(owner)  # to the end
        return item

    def _take(self, owner: str, take: Callable[[], T]) -> T:
        item = take()
        self._count -= 1
        if not self._waiting[owner]:
            del self._waiting[owner]
        return item
