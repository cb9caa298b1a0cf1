"""One flight for all who want the same, remembered for a while."""

import asyncio

import pytest

from tests.fakes.lookups import Clock
from webhook.base.flights import Flights


class Work:
    """Counts how often it was started, and ends when it is let."""

    def __init__(self) -> None:
        self.started = 0
        self.go = asyncio.Event()
        self.fails = False

    async def __call__(self) -> int:
        self.started += 1
        await self.go.wait()
        if self.fails:
            raise OSError("no")
        return self.started


def flights(clock: Clock, *, life: float = 10.0) -> Flights[str, int]:
    return Flights(clock=clock, life=lambda _: life, entries=2)


async def test_all_who_ask_at_once_share_a_flight_that_outlives_the_first() -> None:
    shared, work = flights(Clock()), Work()
    asks = [asyncio.create_task(shared.get("a", work)) for _ in range(5)]
    await asyncio.sleep(0)
    assert "a" in shared
    asks[0].cancel()
    work.go.set()
    assert await asyncio.gather(*asks[1:]) == [1, 1, 1, 1]
    assert "a" not in shared


@pytest.mark.parametrize(("life", "passed", "started"), [(10, 9, 1), (10, 10, 2), (0, 0, 2)])
async def test_a_result_is_remembered_for_its_life(
    life: float, passed: float, started: int
) -> None:
    clock, work = Clock(), Work()
    shared = flights(clock, life=life)
    work.go.set()
    await shared.get("a", work)
    clock.ahead += passed
    await shared.get("a", work)
    assert work.started == started


async def test_an_error_goes_to_all_who_wait_and_is_not_remembered() -> None:
    shared, work = flights(Clock()), Work()
    work.fails = True
    work.go.set()
    for _ in range(2):
        with pytest.raises(OSError, match="no"):
            await shared.get("a", work)
    assert work.started == 2


async def test_few_results_are_remembered() -> None:
    shared, work = flights(Clock()), Work()
    work.go.set()
    for key in "abc":
        await shared.get(key, work)
    assert [shared.recall(key) is not None for key in "abc"] == [False, True, True]


async def test_closing_ends_what_is_under_way() -> None:
    shared, work = flights(Clock()), Work()
    task = shared.join("a", work)
    await asyncio.sleep(0)
    await shared.aclose()
    assert task.cancelled()


async def test_at_its_end_a_result_is_believed_no_more() -> None:
    clock = [100.0]
    shared: Flights[str, int] = Flights(clock=lambda: clock[0], life=lambda _: 10.0, entries=1)
    work = Work()
    work.go.set()
    await shared.get("a", work)
    for clock[0], believed in ((109.9, True), (110.0, False)):
        assert (shared.recall("a") is not None) is believed


async def test_a_result_of_no_life_takes_nobodys_place_and_one_of_a_short_life_is_kept() -> None:
    shared: Flights[str, float] = Flights(clock=lambda: 100.0, life=lambda life: life, entries=1)

    async def work(life: float) -> float:
        return life

    for key, life in (("long", 10.0), ("none", 0.0)):
        assert await shared.get(key, lambda life=life: work(life)) == life  # type: ignore[misc]
    assert shared.recall("long") is not None
    assert await shared.get("short", lambda: work(0.5)) == 0.5
    assert shared.recall("short") is not None


async def test_each_result_weighs_one_where_nobody_says_more() -> None:
    shared: Flights[str, int] = Flights(
        clock=lambda: 100.0, life=lambda _: 10.0, entries=10, weight=2
    )
    work = Work()
    work.go.set()
    for key in "abc":
        await shared.get(key, work)
    assert [shared.recall(key) is not None for key in "abc"] == [False, True, True]
