"""Bytes that are held at once, shared by tenants as places are: see shares.py."""

from collections import Counter


class Budget:
    """So many bytes; a tenant may take more as long as it holds less than is left afterwards."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: Counter[str] = Counter()

    def held(self, tenant: str) -> int:
        """Give how many bytes a tenant holds."""
        return self._held[tenant]

    def take(self, tenant: str, size: int) -> bool:
        """Take some bytes; False, and nothing is taken, where they are too many."""
        if self._held[tenant] + size > self._most - self._held.total() - size:
            return False
        self._held[tenant] += size
        return True

    def give_back(self, tenant: str, size: int) -> None:
        """Give back what was taken."""
        self._held[tenant] -= size
        if self._held[tenant] <= 0:
            del self._held[tenant]
