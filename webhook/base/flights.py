"""One flight for all who want the same, and its result remembered for a while."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from webhook.base.lru import Lru

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Kept(Generic[V]):
    """A result that is still believed, until a time of the clock."""

    value: V
    until: float


class Flights(Generic[K, V]):
    """Work by key: asked for while it is under way, it is joined; afterwards its result is kept.

    The work outlives whoever asked first. What it raises goes to all who wait and is not kept.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        life: Callable[[V], float],
        entries: int,
        weight: int | None = None,
        weigh: Callable[[V], int] = lambda _: 1,
    ) -> None:
        """`life` gives for how many seconds a result is kept; 0 for not at all."""
        self._clock = clock
        self._life = life
        self._weigh = weigh
        self._kept: Lru[K, Kept[V]] = Lru(entries, weight=weight)
        self._under_way: dict[K, asyncio.Task[V]] = {}

    def __contains__(self, key: K) -> bool:
        """Tell whether work for a key is under way."""
        return key in self._under_way

    def recall(self, key: K) -> Kept[V] | None:
        """Give a result that is still believed."""
        kept = self._kept.get(key)
        return kept if kept and self._clock() < kept.until else None

    def join(
        self, key: K, work: Callable[[], Coroutine[Any, Any, V]], *, owner: str = ""
    ) -> asyncio.Task[V]:
        """Join the work that is under way, or start it; never cancel the task that is given."""
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(self._do(key, work, owner))
            self._under_way[key] = task
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        return task

    async def get(
        self, key: K, work: Callable[[], Coroutine[Any, Any, V]], *, owner: str = ""
    ) -> V:
        """Give what is remembered, or what the work gives."""
        kept = self.recall(key)
        return kept.value if kept else await asyncio.shield(self.join(key, work, owner=owner))

    async def _do(self, key: K, work: Callable[[], Coroutine[Any, Any, V]], owner: str) -> V:
        value = await work()
        seconds = self._life(value)
        if seconds > 0:
            kept = Kept(value, self._clock() + seconds)
            self._kept.put(key, kept, weight=self._weigh(value), owner=owner)
        return value

    async def aclose(self) -> None:
        """End what is under way."""
        tasks = tuple(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
