"""The event loop's time: a tenant that uses much of it waits, and all others go ahead."""

import asyncio
import gc
import selectors
import weakref
from typing import Any

import pytest

from webhook.base import tenants
from webhook.base.loop_time import LoopTime
from webhook.core.errors import Overdue


class Clock:
    """Time that passes where somebody works."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Leaping(selectors.PollSelector):
    """Waits for no time: what a loop would sleep for has passed at once."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        self._clock.now += max(timeout or 0.0, 0.0)
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    """An event loop of which the time is a clock's."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(Leaping(clock))
        self.time = clock  # type: ignore[method-assign]


async def steps(clock: Clock, seen: list[str], name: str, seconds: float, times: int) -> list[str]:
    """Work for so long, so many times, with a wait after each."""
    for _ in range(times):
        clock.now += seconds
        seen.append(name)
        await asyncio.sleep(0)
    return seen


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def time(clock: Clock) -> LoopTime:
    return LoopTime(clock)


async def test_eight_long_steps_of_one_tenant_do_not_run_in_a_row(
    clock: Clock, time: LoopTime
) -> None:
    seen: list[str] = []
    evil = [time.run(steps(clock, seen, "evil", 0.002, 1), "evil", heavy=True) for _ in range(8)]
    good = time.run(steps(clock, seen, "good", 0.001, 3), "good")
    await asyncio.gather(*evil, good)
    assert seen.index("good") == 0
    assert [at for at, name in enumerate(seen) if name == "good"][-1] < 6  # each waits for one


async def test_who_used_much_waits_without_being_called_heavy(clock: Clock, time: LoopTime) -> None:
    seen: list[str] = []
    await time.run(steps(clock, seen, "evil", 0.1, 1), "evil")
    assert time.is_owed_by("evil")
    both = (
        time.run(steps(clock, seen, "evil", 0, 1), "evil"),
        time.run(steps(clock, seen, "good", 0, 1), "good"),
    )
    await asyncio.gather(*both)
    assert seen == ["evil", "good", "evil"]


@pytest.mark.parametrize(("used", "owes"), [(0.02, False), (0.03, True)])
async def test_a_little_is_nobodys_business(
    clock: Clock, time: LoopTime, used: float, owes: bool
) -> None:
    await time.run(steps(clock, [], "a", used, 1), "a")
    assert time.is_owed_by("a") is owes


async def test_a_debt_is_paid_by_waiting_and_never_for_long(clock: Clock, time: LoopTime) -> None:
    await time.run(steps(clock, [], "a", 60.0, 1), "a")
    clock.now += 0.9
    assert time.is_owed_by("a")
    clock.now += 0.1
    assert not time.is_owed_by("a")


async def test_tenants_in_debt_take_turns(clock: Clock, time: LoopTime) -> None:
    seen: list[str] = []
    many = [time.run(steps(clock, seen, "a", 0.001, 1), "a", heavy=True) for _ in range(20)]
    few = [time.run(steps(clock, seen, "b", 0.001, 1), "b", heavy=True) for _ in range(2)]
    await asyncio.gather(*many, *few)
    assert seen[:5].count("b") == 2


async def test_a_turn_that_does_not_come_in_time_is_said_to_the_coroutine(
    clock: Clock, time: LoopTime
) -> None:
    async def work() -> str:
        try:
            clock.now += 0.1
            await asyncio.sleep(0)
        except Overdue as error:
            return f"left alone: {error}"
        return "done"

    past = asyncio.get_running_loop().time() - 1
    said = await time.run(work(), "a", deadline=past)
    assert said == "left alone: its namespace asks for more than its part"
    with pytest.raises(Overdue):
        await time.run(work(), "a", deadline=past)
    await asyncio.wait_for(time.run(work(), "b", heavy=True), 5)  # the turn is free again


async def test_what_a_coroutine_waits_for_gives_and_raises_as_ever(time: LoopTime) -> None:
    async def work() -> list[object]:
        given = await asyncio.to_thread(lambda: 1)
        try:
            await asyncio.wait_for(asyncio.Event().wait(), 0.001)
        except TimeoutError as error:
            return [given, type(error)]
        return []

    assert await time.run(work(), "a") == [1, TimeoutError]


@pytest.mark.parametrize("heavy", [False, True])
async def test_who_waits_can_be_cancelled_and_the_turn_goes_on(
    clock: Clock, time: LoopTime, heavy: bool
) -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cleaned up")

    task = asyncio.ensure_future(time.run(work(), "a", heavy=heavy))
    waiting = [asyncio.ensure_future(time.run(work(), "a", heavy=True)) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    for _ in range(10):  # whoever has a turn to come gets it
        await asyncio.sleep(0)
    task.cancel()
    waiting[1].cancel()
    await asyncio.gather(task, *waiting, return_exceptions=True)
    assert ended == ["cleaned up"] * 2  # the first of those that waited had not begun
    assert await asyncio.wait_for(time.run(steps(clock, [], "b", 0, 1), "b", heavy=True), 5)


async def test_who_pauses_can_be_cancelled(clock: Clock, time: LoopTime) -> None:
    """A pause is no future: the loop raises what cancels it where the coroutine paused."""
    seen: list[str] = []
    task = asyncio.ensure_future(time.run(steps(clock, seen, "a", 0, 10), "a"))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert seen == ["a"]


async def test_the_turn_of_one_who_is_cancelled_as_it_comes_goes_to_the_next(
    clock: Clock, time: LoopTime
) -> None:
    seen: list[str] = []
    first, second = (
        asyncio.ensure_future(time.run(steps(clock, seen, name, 0.002, 1), "evil", heavy=True))
        for name in ("first", "second")
    )
    for _ in range(2):  # both wait; the first is given its turn
        await asyncio.sleep(0)
    first.cancel()
    async with asyncio.timeout(5):
        await second
    assert first.cancelled()
    assert seen == ["second"]


async def test_tasks_that_are_started_for_a_tenant_are_timed_too(
    clock: Clock, time: LoopTime
) -> None:
    loop = asyncio.get_running_loop()
    loop.set_task_factory(time.make_task)  # type: ignore[arg-type]
    try:
        with tenants.working_for("a"):
            task = asyncio.create_task(steps(clock, [], "a", 0.1, 1), name="its name")
            never = asyncio.create_task(steps(clock, [], "a", 9.0, 1))
        never.cancel()
        assert task.get_name() == "its name"
        assert await task == ["a"]
        assert time.is_owed_by("a")
        own = asyncio.create_task(steps(clock, [], "", 9.0, 1))
        await asyncio.gather(own, never, return_exceptions=True)
    finally:
        loop.set_task_factory(None)
    assert not time.is_owed_by("")
    assert never.cancelled()


async def test_what_is_remembered_of_tenants_without_a_debt_is_bounded(
    clock: Clock, time: LoopTime
) -> None:
    for at in range(5000):
        clock.now += 1.0
        await time.run(steps(clock, [], "x", 0.0001, 1), f"tenant {at}")
    assert len(time) <= 1025


async def test_a_failure_is_not_kept_in_a_cycle(time: LoopTime) -> None:
    class Held:
        """What a frame of the failed work holds, such as a body."""

    async def fail(held: Held) -> None:
        assert held
        try:
            await asyncio.sleep(1)
        finally:
            raise ValueError

    held = Held()
    freed = weakref.ref(held)
    task = asyncio.ensure_future(time.run(fail(held), "a"))
    gc.collect()
    gc.disable()
    try:
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        del held, task
        await asyncio.sleep(0)
        assert freed() is None
    finally:
        gc.enable()


async def test_what_does_not_fit_into_a_round_takes_turns_by_peer(clock: Clock) -> None:
    rounds = 0.0
    time = LoopTime(clock, round_=lambda: rounds)
    seen: list[str] = []
    made_up = [
        time.run(steps(clock, seen, "made up", 0.001, 1), f"stranger n{at}") for at in range(200)
    ]
    good = time.run(steps(clock, seen, "good", 0.001, 3), "api-server good")
    both = asyncio.gather(*made_up, good)
    await asyncio.sleep(0)
    assert len(seen) in (20, 21, 22)  # the rest waits for another round
    rounds += 1.0
    await both
    at = [at for at, name in enumerate(seen) if name == "good"]
    assert at[-1] < 40


async def test_a_heavy_step_counts_in_the_round_in_which_it_has_its_turn(clock: Clock) -> None:
    rounds = 0.0
    time = LoopTime(clock, round_=lambda: rounds)
    seen: list[str] = []
    heavy = asyncio.ensure_future(time.run(steps(clock, seen, "heavy", 0.04, 1), "a", heavy=True))
    await asyncio.sleep(0)
    assert seen == []  # it waits for its turn
    rounds = 1.0
    await heavy
    light = asyncio.ensure_future(time.run(steps(clock, seen, "light", 0.001, 1), "b"))
    await asyncio.sleep(0)
    assert seen == ["heavy"]  # the round is full
    rounds = 2.0
    await light


@pytest.mark.parametrize(("on_cpu", "owes"), [(0.0, False), (0.0005, False), (0.1, True)])
async def test_who_was_kept_from_the_cpu_did_not_use_the_loop(
    clock: Clock, on_cpu: float, owes: bool
) -> None:
    cpu = Clock()
    time = LoopTime(clock, cpu=cpu)

    async def work() -> None:
        clock.now += 0.1
        cpu.now += on_cpu

    await time.run(work(), "a")
    assert time.is_owed_by("a") is owes
    assert len(time) == owes


@pytest.mark.parametrize("short", [0.0004, 0.0005])
async def test_a_short_step_does_not_ask_the_cpus_clock_again(clock: Clock, short: float) -> None:
    asked: list[float] = []

    def cpu() -> float:
        asked.append(clock.now)
        return clock.now

    time = LoopTime(clock, cpu=cpu)
    await time.run(steps(clock, [], "a", short, 1), "a")
    assert asked == [0.0, short]  # before each step, and `steps` has two
    await time.run(steps(clock, [], "a", 0.01, 1), "a")
    assert len(asked) == 6  # after each step, too: the second one's tenant is remembered


async def test_who_is_in_debt_pays_for_short_steps_too(clock: Clock) -> None:
    time = LoopTime(clock, cpu=clock)
    await time.run(steps(clock, [], "a", 0.1, 1), "a")  # paid for at 0.3
    await time.run(steps(clock, [], "a", 0.0004, 1), "a")  # at 0.3008
    clock.now = 0.2505
    assert time.is_owed_by("a")
    clock.now = 0.251
    assert not time.is_owed_by("a")


async def test_of_many_tenants_those_without_a_debt_are_forgotten(
    clock: Clock, time: LoopTime
) -> None:
    for number in range(1024):
        await time.run(steps(clock, [], str(number), 0.001, 1), str(number))
    assert len(time) == 1024
    clock.now += 0.0009  # the last one's is not paid yet
    await time.run(steps(clock, [], "a", 0.001, 1), "a")
    assert len(time) == 2


@pytest.mark.parametrize(("step", "next_at"), [(0.005, 0.005), (0.01, 0.02)])
def test_a_long_step_of_one_in_debt_is_followed_by_as_long_a_pause_and_a_short_one_by_none(
    clock: Clock, time: LoopTime, step: float, next_at: float
) -> None:
    began: list[float] = []

    async def work() -> None:
        began.append(clock.now)
        clock.now += step

    async def both() -> None:
        await asyncio.gather(*(time.run(work(), "evil", heavy=True) for _ in range(2)))

    with asyncio.Runner(loop_factory=lambda: Loop(clock)) as runner:
        runner.run(both())
    assert began == pytest.approx([0.0, next_at])


def test_who_gives_up_in_a_pause_does_not_shorten_it_for_the_next(
    clock: Clock, time: LoopTime
) -> None:
    began: list[tuple[str, float]] = []

    async def work(name: str) -> None:
        began.append((name, clock.now))
        clock.now += 0.01

    async def three() -> None:
        first, second, third = (
            asyncio.ensure_future(time.run(work(name), "evil", heavy=True))
            for name in ("first", "second", "third")
        )
        await first
        second.cancel()
        await third

    with asyncio.Runner(loop_factory=lambda: Loop(clock)) as runner:
        runner.run(three())
    assert began == [("first", 0.0), ("third", pytest.approx(0.02))]


async def test_a_debt_as_large_as_the_credit_has_no_consequence(
    clock: Clock, time: LoopTime
) -> None:
    clock.now = -0.025
    await time.run(steps(clock, [], "a", 0.025, 1), "a")
    assert len(time) == 1
    assert not time.is_owed_by("a")


async def test_who_is_remembered_and_owes_little_goes_ahead_at_once(
    clock: Clock, time: LoopTime
) -> None:
    seen: list[str] = []
    await time.run(steps(clock, [], "a", 0.01, 1), "a")
    assert len(time) == 1
    await asyncio.gather(*(time.run(steps(clock, seen, name, 0, 1), name) for name in "ab"))
    assert seen == ["a", "b"]


@pytest.mark.parametrize(("used", "at_once"), [(0.02, True), (0.021, False)])
async def test_who_comes_when_a_round_is_just_full_is_not_kept_for_the_next(
    clock: Clock, used: float, at_once: bool
) -> None:
    time = LoopTime(clock, round_=lambda: 1.0)
    seen: list[str] = []
    await time.run(steps(clock, [], "a", used, 1), "a")
    newcomer = asyncio.ensure_future(time.run(steps(clock, seen, "b", 0, 1), "b"))
    await asyncio.sleep(0)
    assert seen == ["b"] * at_once
    assert await newcomer == ["b"]


@pytest.mark.parametrize(("step", "remembered"), [(0.00025, 0), (0.0003, 1)])
async def test_who_has_paid_is_forgotten_after_a_step_of_nothing(
    clock: Clock, time: LoopTime, step: float, remembered: int
) -> None:
    clock.now = -1.0
    await time.run(steps(clock, [], "a", 0.01, 1), "a")
    assert len(time) == 1
    clock.now = -step
    await time.run(steps(clock, [], "a", step, 1), "a")
    assert len(time) == remembered


async def test_who_has_paid_is_forgotten_at_any_time_of_the_clock(
    clock: Clock, time: LoopTime
) -> None:
    clock.now = 100.0
    await time.run(steps(clock, [], "a", 0.01, 1), "a")
    clock.now += 1.0
    await time.run(steps(clock, [], "a", 0.0001, 1), "a")
    assert len(time) == 0
