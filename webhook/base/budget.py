"""Bytes that are held at once, shared by tenants; shares.py does the same for places."""

from webhook.base.tenants import Held


class Budget:
    """So many bytes; a tenant may take more as long as it holds no more than is left then."""

    def __init__(self, most: int) -> None:
        self._held = Held(most)

    def held(self, tenant: str) -> int:
        """Give how many bytes a tenant holds."""
        return self._held[tenant]

    def take(self, tenant: str, size: int) -> bool:
        """Take some bytes; False, and nothing is taken, where they are too many."""
        allowed = self._held.allows(tenant, size)
        if allowed:
            self._held.take(tenant, size)
        return allowed

    def give_back(self, tenant: str, size: int) -> None:
        """Give back what was taken."""
        self._held.take(tenant, -size)
