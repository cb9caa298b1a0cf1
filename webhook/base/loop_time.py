"""The event loop's time, shared by tenants: who used much of it waits, and all others go ahead.

Reviews and lookups run in one thread. Between two of its waits a coroutine has the loop for itself,
and what it does there may be some tenant's making: a pod of 250 containers takes 40 ms, and eight
of them that are ready at once would be one long stop for everybody. So each such step is timed.

A tenant that used more than its part of the last moments is in debt, and its next steps take turns:
one at a time of all who are in debt, with as long a pause after each as it took. And where many
tenants' short steps are ready at once, those that don't fit into one round of the loop take turns
in the next ones: of peers, and of a peer's tenants, however many it makes up.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from math import inf
from types import coroutine
from typing import Any, TypeVar

from webhook.base import tenants
from webhook.core.errors import Overdue

T = TypeVar("T")
_COST = 2.0  # seconds of debt for one of the loop's: who uses less than half of it has none
_CREDIT = 0.05  # seconds of debt without a consequence
_MOST = 1.0  # seconds of debt at the most: an hour of use is paid for in a second, too
_NOTHING = 0.0005  # seconds of a step that are not counted, unless the tenant is in debt
_SHORT = 0.005  # seconds; after a step up to that, nobody needs a pause
_ROUND = 0.02  # seconds of all steps in one round of the loop
_MANY = 1024  # tenants that are remembered before those without a debt are removed


class LoopTime:
    """Who used how much of the loop lately, and who waits for a turn."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        cpu: Callable[[], float] | None = None,
        round_: Callable[[], float] | None = None,
    ) -> None:
        """`cpu` counts seconds of CPU: nobody is charged for what a busy machine takes from it.

        `round_` gives the same as long as a round of the loop goes on: uvloop's own clock.
        """
        self._clock = clock
        self._cpu = cpu or clock
        self._round = round_ or clock
        self._at = 0.0  # the round that goes on
        self._spent = 0.0  # seconds of all steps in it
        self._paid: dict[str, float] = {}  # when each tenant will have paid for what it used
        self._debtors = _Turns()
        self._crowd = _Turns()

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
        failed: list[BaseException] = []
        turns = self._debtors if heavy else self._turns_of(tenant)
        while True:
            if turns is not None:
                try:
                    yield from turns.wait(tenant, deadline).__await__()
                    self._begin_round()
                except BaseException as error:  # noqa: BLE001 - the coroutine's to handle
                    failed.append(error)
                    turns = None
            start, cpu = self._clock(), self._cpu()
            try:
                # No name may hold a failure: its traceback leads to this frame, a cycle.
                waits = work.throw(failed.pop()) if failed else work.send(None)
            except StopIteration as end:
                result: T = end.value
                return result
            finally:
                self._ended(tenant, start, cpu, turns)
            try:
                yield waits
                turns = self._turns_of(tenant)
            except BaseException as error:  # noqa: BLE001 - the coroutine's to handle
                failed.append(error)
                turns = None

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
        if tenant:
            # A task that is cancelled before it begins never awaits `work`; Python warns of that.
            task.add_done_callback(lambda _: work.close())
        return task

    def is_owed_by(self, tenant: str) -> bool:
        """Tell whether a tenant has used more than its part."""
        paid = self._paid.get(tenant)
        return paid is not None and paid - self._clock() > _CREDIT

    def _turns_of(self, tenant: str) -> "_Turns | None":
        """Give where a tenant's next step has to wait, if it has to."""
        if tenant in self._paid and self.is_owed_by(tenant):
            return self._debtors
        self._begin_round()
        return self._crowd if self._spent > _ROUND else None

    def _begin_round(self) -> None:
        """Forget what was spent in another round than this one."""
        now = self._round()
        if now != self._at:
            self._at, self._spent = now, 0.0

    def _ended(self, tenant: str, start: float, cpu: float, turns: "_Turns | None") -> None:
        """Note how long a step took, and let the next one have the turn that it had.

        What takes little time takes no more of the CPU, which is asked only otherwise: that is a
        system call.
        """
        seconds = self._clock() - start
        if seconds > _NOTHING or tenant in self._paid:
            seconds = self._cpu() - cpu
            if seconds > _NOTHING or tenant in self._paid:
                self._charge(tenant, seconds)
        self._spent += seconds
        if turns is not None:
            turns.end(seconds if turns is self._debtors and seconds > _SHORT else 0.0)

    def _charge(self, tenant: str, seconds: float) -> None:
        now = self._clock()
        paid = max(now, self._paid.get(tenant, now)) + _COST * seconds
        if paid - now > _NOTHING:
            self._paid[tenant] = min(paid, now + _MOST)
        else:
            self._paid.pop(tenant, None)
        if len(self._paid) > _MANY:
            for each in [each for each, paid in self._paid.items() if paid <= now]:
                del self._paid[each]


class _Turns:
    """One at a time: peers take turns, and the tenants of each."""

    def __init__(self) -> None:
        # Whose turn is next comes first.
        self._waiting: dict[str, dict[str, deque[asyncio.Future[None]]]] = {}
        self._closed = False  # somebody has the turn, or the pause after it goes on

    async def wait(self, tenant: str, deadline: float) -> None:
        """Wait for a turn; who got one calls `end`. Raises Overdue."""
        loop = asyncio.get_running_loop()
        granted: asyncio.Future[None] = loop.create_future()
        of_peer = self._waiting.setdefault(tenants.peer_of(tenant), {})
        of_peer.setdefault(tenant, deque()).append(granted)
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

    def end(self, pause: float) -> None:
        """Let the next one have the turn, after so many seconds and the loop's next round."""
        asyncio.get_running_loop().call_later(pause, self._open)

    def _open(self) -> None:
        while self._waiting:
            granted = self._next()
            if not granted.done():
                granted.set_result(None)
                return
        self._closed = False

    def _next(self) -> "asyncio.Future[None]":
        """Give who waits longest of whose turn it is; peer and tenant go to the end."""
        peer = next(iter(self._waiting))
        of_peer = self._waiting.pop(peer)
        tenant = next(iter(of_peer))
        queue = of_peer.pop(tenant)
        first = queue.popleft()
        if queue:
            of_peer[tenant] = queue
        if of_peer:
            self._waiting[peer] = of_peer
        return first


async def _timed(time: LoopTime, work: Coroutine[Any, Any, T], tenant: str) -> T:
    return await time.run(work, tenant)
