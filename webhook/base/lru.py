"""A bounded mapping in which nobody's entries push out those of whoever keeps less."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Item(Generic[V]):
    value: V
    weight: int
    owner: str


@dataclass(slots=True)
class _Share(Generic[K]):
    """What one owner keeps, the entry that was used longest ago first."""

    keys: OrderedDict[K, None] = field(default_factory=OrderedDict)
    weight: int = 0


class Lru(Generic[K, V]):
    """Forgets, once a limit is passed, what was used longest ago of whoever keeps the most.

    An owner is whoever an entry was kept for, a namespace for instance. With one owner it is the
    usual cache of what was used last. Where weights are limited, they count; else the entries do.
    """

    def __init__(self, entries: int, *, weight: int | None = None) -> None:
        self._most = entries
        self._heaviest = weight
        self._weight = 0
        self._items: dict[K, _Item[V]] = {}
        self._shares: dict[str, _Share[K]] = {}

    def __len__(self) -> int:
        return len(self._items)

    @property
    def weight(self) -> int:
        """The sum of the weights of what is kept."""
        return self._weight

    def get(self, key: K) -> V | None:
        """Give a value and count it as used now; None where it is unknown."""
        item = self._items.get(key)
        if item is None:
            return None
        self._shares[item.owner].keys.move_to_end(key)
        return item.value

    def put(self, key: K, value: V, *, weight: int = 1, owner: str = "") -> None:
        """Keep a value; one that is heavier than the limit is not kept."""
        self.drop(key)
        if self._heaviest is not None and weight > self._heaviest:
            return
        self._items[key] = _Item(value, weight, owner)
        share = self._shares.setdefault(owner, _Share())
        share.keys[key] = None
        share.weight += weight
        self._weight += weight
        while self._over():
            self.drop(next(iter(self._largest().keys)))

    def drop(self, key: K) -> V | None:
        """Forget a value and give it."""
        item = self._items.pop(key, None)
        if item is None:
            return None
        share = self._shares[item.owner]
        del share.keys[key]
        share.weight -= item.weight
        if not share.keys:
            del self._shares[item.owner]
        self._weight -= item.weight
        return item.value

    def _over(self) -> bool:
        heavy = self._heaviest is not None and self._weight > self._heaviest
        return heavy or len(self._items) > self._most

    def _largest(self) -> _Share[K]:
        if self._heaviest is not None and self._weight > self._heaviest:
            return max(self._shares.values(), key=lambda share: share.weight)
        return max(self._shares.values(), key=lambda share: len(share.keys))
