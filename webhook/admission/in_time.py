"""A deadline that holds even where a resolver does not keep it."""

import asyncio

from msgspec.structs import replace

from webhook.admission.admit import Resolver
from webhook.base.coroutines import rest
from webhook.core.log_events import LogEvent
from webhook.core.observe import Observer
from webhook.core.pod import Pod
from webhook.core.policy import NeedsImage, Plan, Skip
from webhook.core.reasons import Reason

# What a resolver that is late may take on top of its deadline: a part of its time, seconds.
_LATE = 0.2
_LATE_AT_LEAST = 0.1


class InTime:
    """A resolver that stops the one behind it when its time is up; see `admit.Resolver`."""

    def __init__(self, inner: Resolver, observer: Observer) -> None:
        """`observer` is told of each that had to be stopped."""
        self._inner = inner
        self._observer = observer

    async def resolve(self, plan: Plan, pod: Pod, namespace: str, *, deadline: float) -> Plan:
        """Turn every NeedsImage into Wrap or Skip; into TIMED_OUT where that took too long."""
        work = self._inner.resolve(plan, pod, namespace, deadline=deadline)
        try:
            waits = work.send(None)
        except StopIteration as end:
            known: Plan = end.value
            return known  # without a timer, which costs as much as an image that is remembered
        limit = asyncio.timeout_at(_limit(deadline))
        try:
            async with limit:
                return await rest(work, waits)
        except TimeoutError:
            if not limit.expired():
                raise
            self._observer.note(
                LogEvent.LOOKUPS_STOPPED, namespace=namespace, error="They took too long."
            )
            decisions = (
                Skip(each.container, Reason.TIMED_OUT) if isinstance(each, NeedsImage) else each
                for each in plan.decisions
            )
            return replace(plan, decisions=tuple(decisions))


def _limit(deadline: float) -> float:
    """Give the time at which a resolver that did not keep its deadline is stopped."""
    left = deadline - asyncio.get_running_loop().time()
    return deadline + max(_LATE * left, _LATE_AT_LEAST)
