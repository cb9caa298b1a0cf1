"""How many reviews may wait for registries: a share for each namespace, so that none fills it.

A review that waits holds a connection of the API server, and those are bounded. One namespace whose
registry hangs would have all of them.
"""

from collections.abc import Callable

from webhook.admission.admit import Resolver
from webhook.base import tenants
from webhook.base.tenants import Held
from webhook.core.pod import Pod
from webhook.core.policy import Plan

_AT_ONCE = 0.1  # seconds: enough for what is in the cache


class SharedWait:
    """A resolver that lets a namespace wait with as many reviews as there is room left for others.

    So one alone gets half of the room, two a third each. A review beyond gets what is known at
    once; its lookups go on, and the next pod finds the answer.
    """

    def __init__(self, inner: Resolver, *, most: int, clock: Callable[[], float]) -> None:
        """`most` reviews wait at once."""
        self._inner = inner
        self._clock = clock
        self._waiting = Held(most)

    async def resolve(self, plan: Plan, pod: Pod, namespace: str, *, deadline: float) -> Plan:
        """See Resolver."""
        tenant = tenants.current() or namespace
        if not self._waiting.allows(tenant):
            # It is not counted, so that reviews beyond the limit take no place from others.
            soon = min(deadline, self._clock() + _AT_ONCE)
            return await self._inner.resolve(plan, pod, namespace, deadline=soon)
        self._waiting.take(tenant)
        try:
            return await self._inner.resolve(plan, pod, namespace, deadline=deadline)
        finally:
            self._waiting.take(tenant, -1)
