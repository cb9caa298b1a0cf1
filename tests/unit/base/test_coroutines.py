"""A coroutine that waits for nobody needs no event loop; one that was begun can be awaited."""

import asyncio

import pytest

from webhook.base.coroutines import finish, rest


async def _give(value: int) -> int:
    return value


async def test_it_gives_what_the_coroutine_gives() -> None:
    async def add() -> int:
        return await _give(1) + await _give(2)

    assert finish(add()) == 3


def test_it_raises_what_the_coroutine_raises() -> None:
    async def fail() -> None:
        raise LookupError("as it is")

    with pytest.raises(LookupError, match="as it is"):
        finish(fail())


def test_one_that_waits_is_ended_and_named() -> None:
    ended = []

    async def wait() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            ended.append(True)

    waiting = wait()
    with pytest.raises(RuntimeError, match=r"wait waits, and there is no event loop"):
        finish(waiting)
    assert ended == [True]


async def test_one_that_was_begun_goes_on_to_its_end() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        return await _give(3)

    begun = work()
    assert await rest(begun, begun.send(None)) == 3


async def test_what_it_waits_for_is_raised_in_it() -> None:
    async def work(fails: asyncio.Future[None]) -> str:
        try:
            await fails
        except LookupError as error:
            await asyncio.sleep(0)
            return f"heard {error}"
        return "heard nothing"

    fails: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    begun = work(fails)
    waits = begun.send(None)
    fails.set_exception(LookupError("it"))
    assert await rest(begun, waits) == "heard it"


async def test_a_deadline_ends_it() -> None:
    ended = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    begun = work()
    waits = begun.send(None)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await rest(begun, waits)
    assert ended == [True]


async def test_what_it_raises_comes_out() -> None:
    async def work() -> None:
        await asyncio.sleep(0)
        raise LookupError("as it is")

    begun = work()
    waits = begun.send(None)
    with pytest.raises(LookupError, match="as it is"):
        await rest(begun, waits)
