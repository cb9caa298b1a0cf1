"""How many lookups are under way at once: against one host, and in all.

This is the one limit on what is open at once: a lookup does few requests side by side. It is
shared by namespaces: see base/shares.py.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from webhook.base import tenants
from webhook.base.shares import Shares

_IN_ALL = 128


class Places:
    """Limits what runs at once; a host that nobody uses is forgotten."""

    def __init__(self, per_host: int, *, in_all: int = _IN_ALL) -> None:
        self._per_host = per_host
        self._all = Shares(in_all)
        self._hosts: dict[str, Shares] = {}

    @asynccontextmanager
    async def at(self, host: str) -> AsyncIterator[None]:
        """Wait for a free place, and keep it for the block."""
        tenant = tenants.current()
        shares = self._hosts.setdefault(host, Shares(self._per_host))
        try:
            async with shares.place(tenant), self._all.place(tenant):
                yield
        finally:
            if shares.idle:
                self._hosts.pop(host, None)
