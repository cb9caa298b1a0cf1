"""The resolver for where registries may not be asked; it imports nothing that could."""

from msgspec.structs import replace

from webhook.core.pod import Pod
from webhook.core.policy import NeedsImage, Plan, Skip
from webhook.core.reasons import Reason


class NoLookups:
    """A resolver that asks nobody."""

    async def resolve(self, plan: Plan, pod: Pod, namespace: str, *, deadline: float) -> Plan:  # noqa: ARG002 - the interface's
        """See Resolver."""
        decisions = tuple(
            Skip(each.container, Reason.LOOKUP_OFF) if isinstance(each, NeedsImage) else each
            for each in plan.decisions
        )
        return replace(plan, decisions=decisions)
