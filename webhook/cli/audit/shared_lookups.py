"""Lookups for thousands of pods: those that would ask the same ask once."""

import asyncio
from collections.abc import Hashable

from msgspec.structs import replace

from webhook.admission.admit import Resolver
from webhook.core.pod import Pod
from webhook.core.policy import NeedsImage, Plan

_AT_ONCE = 8


class SharedLookups:
    """Settles plans; pods of one namespace with the same images and credentials share an answer."""

    def __init__(self, resolver: Resolver, *, seconds: float) -> None:
        """`seconds` is how long one pod's lookups may take, from when their turn comes."""
        self._resolver = resolver
        self._seconds = seconds
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._asked: dict[Hashable, asyncio.Task[Plan]] = {}

    async def settle(self, plan: Plan, pod: Pod, namespace: str) -> Plan:
        """Turn every NeedsImage of the plan into Wrap or Skip. Raises nothing of its own."""
        open_ = tuple(each for each in plan.decisions if isinstance(each, NeedsImage))
        if not open_:
            return plan
        key = (namespace, pod.service_account, pod.pull_secrets, pod.architectures, *_asks(open_))
        if key not in self._asked:
            question = Plan(open_)
            self._asked[key] = asyncio.create_task(self._ask(question, pod, namespace))
        answer = await self._asked[key]
        settled = {
            id(asked): replace(found, container=asked.container)
            for asked, found in zip(open_, answer.decisions, strict=True)
        }
        return replace(
            plan, decisions=tuple(settled.get(id(each), each) for each in plan.decisions)
        )

    async def _ask(self, question: Plan, pod: Pod, namespace: str) -> Plan:
        async with self._turn:
            deadline = asyncio.get_running_loop().time() + self._seconds
            return await self._resolver.resolve(question, pod, namespace, deadline=deadline)


def _asks(questions: tuple[NeedsImage, ...]) -> list[Hashable]:
    return [(each.container.image, tuple(each.container.args), each.options) for each in questions]
