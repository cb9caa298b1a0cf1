"""Places that tenants share: many of one leave as many for the others."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.base import tenants
from webhook.base.budget import Budget
from webhook.base.shares import Shares


async def taken(shares: Shares, tenant: str, many: int) -> list["asyncio.Task[None]"]:
    """Ask for places; those that are to be had are there afterwards."""
    tasks = [asyncio.create_task(shares.take(tenant)) for _ in range(many)]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def ended(*groups: list["asyncio.Task[None]"]) -> None:
    for task in (each for group in groups for each in group):
        task.cancel()
    await asyncio.sleep(0)


async def test_one_alone_gets_half_and_each_newcomer_finds_a_place() -> None:
    shares = Shares(8)
    groups = [await taken(shares, name, 100) for name in ("a", "b", "c")]
    assert [shares.held(name) for name in ("a", "b", "c")] == [4, 2, 1]
    await ended(*groups)


@pytest.mark.parametrize("most", [1, 2, 3, 64])
async def test_whoever_takes_all_it_can_keeps_nobody_from_a_place(most: int) -> None:
    shares = Shares(most)
    groups = [await taken(shares, "greedy", 1000)]
    groups.append(await taken(shares, "modest", 1))
    assert shares.held("modest") == (1 if most > 1 else 0)
    if most == 1:
        shares.give_back("greedy")
        shares.give_back("greedy")
        assert shares.held("modest") == 1  # they take turns, however many wait
    await ended(*groups)


async def test_a_place_goes_to_who_came_first_of_a_tenant() -> None:
    shares = Shares(2)
    await shares.take("a")
    first, second = await taken(shares, "a", 2)
    shares.give_back("a")
    await asyncio.sleep(0)
    assert (first.done(), second.done()) == (True, False)
    await ended([second])


@given(st.lists(st.tuples(st.sampled_from("tgc"), st.sampled_from("abc")), max_size=60))
def test_places_are_never_lost_nor_made(steps: list[tuple[str, str]]) -> None:
    async def test() -> None:
        shares = Shares(4)
        tasks: list[tuple[str, asyncio.Task[None]]] = []
        for what, tenant in steps:
            if what == "t":
                tasks += [(tenant, each) for each in await taken(shares, tenant, 1)]
            own = [each for each in tasks if each[0] == tenant]
            if what == "g" and (done := [each for each in own if each[1].done()]):
                tasks.remove(done[0])
                shares.give_back(tenant)
            if what == "c" and (open_ := [each for each in own if not each[1].done()]):
                tasks.remove(open_[0])
                open_[0][1].cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            for name in "abc":
                held = sum(task.done() for owner, task in tasks if owner == name)
                assert shares.held(name) == held
            assert sum(map(shares.held, "abc")) <= 4
        while tasks:
            for owner, task in [each for each in tasks if each[1].done()]:
                tasks.remove((owner, task))
                shares.give_back(owner)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert shares.idle

    asyncio.run(test())


async def test_a_place_that_is_given_while_who_waits_goes_away_is_given_on() -> None:
    shares = Shares(1)
    await shares.take("a")
    (first,) = await taken(shares, "b", 1)
    (second,) = await taken(shares, "c", 1)
    shares.give_back("a")
    first.cancel()  # it has the place already, and has not noticed yet
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await second
    assert first.cancelled()
    assert (shares.held("b"), shares.held("c")) == (0, 1)


def test_bytes_are_shared_as_places_are() -> None:
    budget = Budget(16)
    assert budget.take("a", 8)
    assert not budget.take("a", 1)
    assert budget.take("b", 4)
    assert not budget.take("b", 1)
    budget.give_back("a", 8)
    assert budget.take("b", 2)
    assert (budget.held("a"), budget.held("b")) == (0, 6)


async def test_a_task_works_for_whom_it_was_started() -> None:
    async def who() -> str:
        await asyncio.sleep(0)
        return tenants.current()

    with tenants.working_for("shop"):
        task = asyncio.create_task(who())
    assert (await task, tenants.current()) == ("shop", "")


@pytest.mark.parametrize("most", [8, 32, 128])
async def test_a_peer_that_makes_up_tenants_leaves_places_for_another_peers(most: int) -> None:
    shares = Shares(most)
    made_up = [await taken(shares, f"10.9.9.9 n{at}", 5) for at in range(200)]
    honest = [await taken(shares, f"10.0.0.1 {name}", 1) for name in ("shop", "bank")]
    held = [shares.held(f"10.0.0.1 {name}") for name in ("shop", "bank")]
    assert held[0] == 1
    assert held == [1, 1] or most == 8  # of one place that is left
    await ended(*made_up, *honest)


async def test_nobody_uses_up_what_is_a_namespaces_by_asking_in_its_name() -> None:
    shares = Shares(8)
    posing = await taken(shares, "10.9.9.9 shop", 100)
    true = await taken(shares, "10.0.0.1 shop", 1)
    assert shares.held("10.0.0.1 shop") == 1
    await ended(posing, true)


async def test_who_waits_no_more_is_forgotten_and_nothing_is_idle_while_a_place_is_held() -> None:
    shares = Shares(1)
    await shares.take("a")
    assert (shares.idle, shares.held("a")) == (False, 1)
    waiting = await taken(shares, "b", 2)
    assert shares.waiting("b") == 2
    for task, left in zip(waiting, (1, 0), strict=True):
        await ended([task])
        assert shares.waiting("b") == left
    shares.give_back("a")
    assert (shares.idle, shares.held("a")) == (True, 0)
