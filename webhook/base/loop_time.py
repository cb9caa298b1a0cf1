"""The event loop's time, shared by tenants: who used much of it waits, and all others go ahead.

Reviews and lookups run in one thread. Between two of its waits a coroutine has the loop for itself,
and what it does there may be some tenant's making: a pod of 250 containers takes 40 ms, and eight
of them that are ready at once would be one long stop for everybody. So each such step is timed. A
tenant that used more than its part of the last moments is in debt, and its next steps take turns:
one at a time of all who are in debt, with as long a pause after each as it took.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from math import inf
from types import coroutine
from typing import Any, TypeVar

from webhook.base import tenants
from webhook.core.errors import InitshimError

T = TypeVar("T")
_COST = 2.0  # seconds of debt for one of the loop's: who uses less than half of it pays as it goes
_CREDIT = 0.05  # seconds of debt that nobody minds
_MOST = 1.0  # seconds of debt: what was long ago is forgiven
_NOTHING = 0.0005  # seconds of a step that are not counted, unless the tenant is in debt
_SHORT = 0.005  # seconds; after a step up to that, nobody needs a pause
_MANY = 1024  # tenants that are remembered before those without a debt are looked for


class Overdue(InitshimError):
    """A tenant's turn did not come in time."""


class LoopTime:
    """Who used how much of the loop lately, and who waits for a turn."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._paid: dict[str, float] = {}  # when each tenant will have paid for what it used
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}  # whose turn is next comes first
        self._closed = False  # somebody has the turn, or the pause after it goes on

    def __len__(self) -> int:
        """Give how many tenants are remembered."""
        return len(self._paid)

    @coroutine
    def run(
        self,
        work: Coroutine[Any, Any, T],
        tenant: str,
        *,
        deadline: float = inf,
        heavy: bool = False,
    ) -> Generator[Any, Any, T]:
        """Run a coroutine at a tenant's expense.

        `heavy`: its first step waits for a turn, debt or not. A turn that did not come by
        `deadline` raises Overdue inside the coroutine; what it does then is timed no less.
        """
        clock, known = self._clock, self._paid
        turn, failure = heavy, None
        try:
            while True:
                if failure is None and (turn or (tenant in known and self.is_owed_by(tenant))):
                    try:
                        yield from self._turn(tenant, deadline).__await__()
                        turn = True
                    except BaseException as error:  # noqa: BLE001 - the coroutine's to handle
                        turn, failure = False, error
                start = clock()
                try:
                    if failure is None:
                        waits = work.send(None)
                    else:
                        # No local name may hold it: its traceback holds this frame.
                        thrown, failure = failure, None
                        try:
                            waits = work.throw(thrown)
                        finally:
                            del thrown
                except StopIteration as end:
                    result: T = end.value
                    return result
                finally:
                    seconds = clock() - start
                    if seconds > _NOTHING or turn or tenant in known:
                        self._charge(tenant, seconds, turn=turn)
                        turn = False
                try:
                    yield waits
                except BaseException as error:  # noqa: BLE001 - the coroutine's to handle
                    failure = error
        finally:
            work.close()

    def make_task(
        self,
        loop: asyncio.AbstractEventLoop,
        work: Coroutine[Any, Any, T],
        *,
        context: Context | None = None,
        **more: Any,
    ) -> "asyncio.Task[T]":
        """Make a task, as a loop's task factory: one that is started for a tenant is timed, too."""
        tenant = context.run(tenants.current) if context else tenants.current()
        timed = _timed(self, work, tenant) if tenant else work
        task = asyncio.Task(timed, loop=loop, context=context, **more)
        if tenant:  # one that is cancelled before it begins never looks at the work
            task.add_done_callback(lambda _: work.close())
        return task

    def is_owed_by(self, tenant: str) -> bool:
        """Tell whether a tenant has used more than its part."""
        paid = self._paid.get(tenant)
        return paid is not None and paid - self._clock() > _CREDIT

    def _charge(self, tenant: str, seconds: float, *, turn: bool) -> None:
        """Note how long a step took; `turn`: others wait for its end."""
        now = self._clock()
        paid = max(now, self._paid.get(tenant, now)) + _COST * seconds
        if seconds > _NOTHING or paid - now > _NOTHING:
            self._paid[tenant] = min(paid, now + _MOST)
        else:
            self._paid.pop(tenant, None)
        if len(self._paid) > _MANY:
            for each in [each for each, paid in self._paid.items() if paid <= now]:
                del self._paid[each]
        if turn:
            pause = seconds if seconds > _SHORT else 0.0
            asyncio.get_running_loop().call_later(pause, self._open)

    async def _turn(self, tenant: str, deadline: float) -> None:
        """Wait for a turn; who got one gives its end to `_charge`. Raises Overdue."""
        loop = asyncio.get_running_loop()
        granted: asyncio.Future[None] = loop.create_future()
        self._waiting.setdefault(tenant, deque()).append(granted)
        if not self._closed:
            self._closed = True
            loop.call_soon(self._open)
        try:
            async with asyncio.timeout_at(None if deadline == inf else deadline):
                await granted
        except BaseException as error:
            if granted.done() and not granted.cancelled():
                self._open()
            if isinstance(error, TimeoutError):
                raise Overdue("its namespace asks for more than its part") from None
            raise

    def _open(self) -> None:
        """Give the turn to the next tenant, unless nobody waits."""
        while self._waiting:
            tenant = next(iter(self._waiting))
            queue = self._waiting.pop(tenant)
            granted = queue.popleft()
            if queue:
                self._waiting[tenant] = queue  # to the end
            if not granted.done():
                granted.set_result(None)
                return
        self._closed = False


async def _timed(time: LoopTime, work: Coroutine[Any, Any, T], tenant: str) -> T:
    return await time.run(work, tenant)
