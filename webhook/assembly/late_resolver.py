"""A resolver that is made when it is needed: what asks registries takes long to import."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import Self

from webhook.admission.admit import Resolver
from webhook.core.pod import Pod
from webhook.core.policy import Plan

Opens = AbstractAsyncContextManager[Resolver]


class LateResolver:
    """Makes another resolver for the first plan that needs one, or when it is told to.

    A review that needs none is answered meanwhile: the imports are a thread's.
    """

    def __init__(self, load: Callable[[], Callable[[], Opens]]) -> None:
        """`load` imports, and gives what makes the resolver; it is called in a thread."""
        self._load = load
        self._lock = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._resolver: Resolver | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def open(self) -> Resolver:
        """Give the resolver, made now if it was not before."""
        async with self._lock:
            if self._resolver is None:
                make = await asyncio.to_thread(self._load)
                self._resolver = await self._stack.enter_async_context(make())
            return self._resolver

    async def resolve(self, plan: Plan, pod: Pod, namespace: str, *, deadline: float) -> Plan:
        """See Resolver."""
        resolver = self._resolver or await self.open()
        return await resolver.resolve(plan, pod, namespace, deadline=deadline)
