"""What asks registries is made when it is needed, once, and by a thread."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from tests.fakes.reviews import pod, unresolved
from webhook.admission.admit import Resolver
from webhook.assembly.late_resolver import LateResolver
from webhook.assembly.no_lookups import NoLookups
from webhook.core.errors import BadSettings
from webhook.core.pod import Pod
from webhook.core.policy import ClusterRules, NeedsImage, Plan, plan

POD = Pod(pod(containers=[unresolved()]))
PLAN = plan(POD, ClusterRules())
Opens = Callable[[], AbstractAsyncContextManager[Resolver]]


class Library:
    """What is imported: notes by whom, and what was opened and closed."""

    def __init__(self) -> None:
        self.loaded_by: list[int] = []
        self.open = 0

    def load(self) -> Opens:
        self.loaded_by.append(threading.get_ident())
        return self._opened

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Resolver]:
        self.open += 1
        try:
            yield NoLookups()
        finally:
            self.open -= 1


async def resolved(late: LateResolver) -> Plan:
    return await late.resolve(PLAN, POD, "shop", deadline=asyncio.get_running_loop().time() + 60)


async def test_it_is_made_once_for_all_who_ask_by_a_thread_and_closed_at_the_end() -> None:
    library = Library()
    async with LateResolver(library.load) as late:
        assert library.loaded_by == []
        plans = await asyncio.gather(late.open(), *(resolved(late) for _ in range(3)))
        assert not any(isinstance(each, NeedsImage) for each in plans[1].decisions)  # type: ignore[attr-defined]
        await resolved(late)
        assert library.open == len(library.loaded_by) == 1
        assert library.loaded_by != [threading.get_ident()]
    assert library.open == 0


async def test_who_gives_up_waiting_for_it_leaves_it_to_the_next_one() -> None:
    library, go = Library(), threading.Event()

    def slow() -> Opens:
        go.wait(60)
        return library.load()

    async with LateResolver(slow) as late:
        first = asyncio.create_task(resolved(late))
        await asyncio.sleep(0)
        first.cancel()
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await first
        await resolved(late)
        assert library.open == 1


async def test_one_that_is_never_needed_is_never_made() -> None:
    library = Library()
    async with LateResolver(library.load):
        pass
    assert library.loaded_by == []


async def test_what_makes_it_impossible_is_raised_to_who_asked() -> None:
    def broken() -> Opens:
        raise BadSettings("the file went away")

    async with LateResolver(broken) as late:
        with pytest.raises(BadSettings):
            await late.open()
