"""Registries' names as metric labels: a pod's author chooses them, so they are few and short."""

from collections.abc import Callable

OTHER = "other"
_MOST = 50
_LONGEST = 253 + len(":65535")  # a DNS name (RFC 1035) and a port; what is longer is nobody's


class Labels:
    """Gives a registry its own name, or "other" once enough are known."""

    def __init__(self, configured: Callable[[str], bool]) -> None:
        """`configured` tells whether an administrator named a registry: that always has a name."""
        self._configured = configured
        self._met: set[str] = set()

    def of(self, registry: str) -> str:
        """Give the label of a registry; the same for ever."""
        if registry in self._met or self._configured(registry):
            return registry
        if len(self._met) >= _MOST or len(registry) > _LONGEST:
            return OTHER
        self._met.add(registry)
        return registry
