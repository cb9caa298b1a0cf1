"""Registries' names as metric labels: a pod's author chooses them, so they are few and short."""

from collections.abc import Callable

from webhook.base import tenants

OTHER = "other"
_MOST = 50
_LONGEST = 253 + len(":65535")  # a DNS name (RFC 1035) and a port; no host has a longer one


class Labels:
    """Gives a registry its own name, or "other" once enough are known."""

    def __init__(self, configured: Callable[[str], bool]) -> None:
        """`configured` tells whether an administrator named a registry: that always has a name."""
        self._configured = configured
        self._met: dict[str, str] = {}

    def of(self, registry: str) -> str:
        """Give the label of a registry; the same for ever."""
        if registry in self._met or self._configured(registry):
            return registry
        tenant = tenants.current()
        mine = sum(owner == tenant for owner in self._met.values())
        # As in base/shares.py: whoever names many leaves as many for the others.
        if len(registry) > _LONGEST or mine >= _MOST - len(self._met):
            return OTHER
        self._met[registry] = tenant
        return registry
