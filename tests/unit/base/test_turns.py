"""Owners take turns, and who puts in much loses of its own."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from webhook.base.turns import Turns


async def test_each_owner_has_its_turn() -> None:
    turns: Turns[str] = Turns(10)
    for item in ("a1", "a2", "a3", "b1", "c1", "b2"):
        turns.put(item[0], item)
    assert [await turns.get() for _ in range(6)] == ["a1", "b1", "c1", "a2", "b2", "a3"]


async def test_who_has_most_waiting_loses_its_latest() -> None:
    turns: Turns[str] = Turns(3)
    assert [turns.put("a", item) for item in ("a1", "a2", "a3")] == [None] * 3
    assert turns.put("b", "b1") == "a3"
    assert turns.put("a", "a4") == "a4"
    assert [await turns.get() for _ in range(3)] == ["a1", "b1", "a2"]
    assert len(turns) == 0


async def test_who_waits_gets_what_comes() -> None:
    turns: Turns[str] = Turns(3)
    for item in ("a1", "a2"):
        waiting = asyncio.create_task(turns.get())
        await asyncio.sleep(0)
        turns.put("a", item)
        assert await waiting == item


@given(st.lists(st.sampled_from("aaaaaabc"), max_size=60), st.integers(1, 8))
def test_whoever_keeps_within_an_even_share_loses_nothing(owners: list[str], most: int) -> None:
    turns: Turns[tuple[str, int]] = Turns(most)
    kept: list[str] = []
    for at, owner in enumerate(owners):
        dropped = turns.put(owner, (owner, at))
        kept.append(owner)
        if dropped:
            counts = {each: kept.count(each) for each in kept}
            assert counts[dropped[0]] == max(counts.values())
            kept.remove(dropped[0])
        assert len(turns) == len(kept) <= most
