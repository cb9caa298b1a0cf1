"""Put together what finds out what an image runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from webhook.admission.admit import Resolver
from webhook.core.observe import Observer
from webhook.core.pod import Pod
from webhook.core.policy import NeedsImage, Plan, Skip
from webhook.core.reasons import Reason
from webhook.kube.client import Client
from webhook.settings import Settings


class NoLookups:
    """A resolver that asks nobody."""

    async def resolve(self, plan: Plan, pod: Pod, namespace: str, *, deadline: float) -> Plan:  # noqa: ARG002
        """See Resolver."""
        decisions = tuple(
            Skip(each.container, Reason.LOOKUP_OFF) if isinstance(each, NeedsImage) else each
            for each in plan.decisions
        )
        return Plan(decisions, plan.options)


@asynccontextmanager
async def lookups(
    settings: Settings,  # noqa: ARG001
    client: Client | None,  # noqa: ARG001
    observer: Observer,  # noqa: ARG001
) -> AsyncIterator[Resolver]:
    """Give the resolver that the settings ask for, and close it."""
    yield NoLookups()
