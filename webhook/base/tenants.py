"""For whom the current task works: what is shared is shared by that.

A tenant is a namespace; with a peer that asks for it, the peer's address and the namespace: else
one on the pod network could ask in another's name, and use up what is the other's.

A task that is started inherits it. It is a context variable because connections are opened deep in
a library that hands nothing through.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_TENANT: ContextVar[str] = ContextVar("tenant", default="")
_LEAVES = 8  # a peer leaves at least this part of what others have not


def current() -> str:
    """Give the tenant, a namespace for instance; "" for the webhook itself."""
    return _TENANT.get()


@contextmanager
def working_for(tenant: str) -> Iterator[None]:
    """Work for a tenant inside the block, and in all tasks that are started there."""
    token = _TENANT.set(tenant)
    try:
        yield
    finally:
        _TENANT.reset(token)


begin, end = _TENANT.set, _TENANT.reset
"""The same without a block, where each call counts: `end` takes what `begin` gave."""


def named(peer: str, namespace: str) -> str:
    """Give the tenant that a namespace is for which a peer asks."""
    return f"{peer} {namespace}" if peer else namespace


def peer_of(tenant: str) -> str:
    """Give the peer that asks for a tenant; "" where there is none."""
    return tenant.partition(" ")[0] if " " in tenant else ""


class Held:
    """What tenants hold of something that they share, and how much more each may take.

    The rule is that of switches which share a buffer (Choudhury and Hahne, "Dynamic queue length
    thresholds"): a tenant may hold as much as it leaves. So one alone gets half, two get a third
    each, and a newcomer always finds some. All that one peer asks for together leaves at least an
    eighth of what others have not: a new peer finds some, too, however many tenants one makes up.
    """

    def __init__(self, most: int) -> None:
        self.free = most
        self._tenants: dict[str, int] = {}
        self._peers: dict[str, int] = {}

    def __getitem__(self, tenant: str) -> int:
        """Give how much a tenant holds."""
        return self._tenants.get(tenant, 0)

    def __bool__(self) -> bool:
        """Tell whether anybody holds anything."""
        return bool(self._tenants)

    def allows(self, tenant: str, size: int = 1) -> bool:
        """Tell whether a tenant may take so much more."""
        left, peer = self.free - size, peer_of(tenant)
        if peer:
            before = self._peers.get(peer, 0)
            of_peer = self.free + before
            left = min(left, of_peer - of_peer // _LEAVES - before - size)
        return left >= 0 and self[tenant] + size - 1 <= left

    def take(self, tenant: str, size: int = 1) -> None:
        """Note that a tenant has taken so much, or given it back where it is negative."""
        self.free -= size
        for held, key in ((self._tenants, tenant), (self._peers, peer_of(tenant))):
            now = held.get(key, 0) + size
            if now > 0:
                held[key] = now
            else:
                held.pop(key, None)
