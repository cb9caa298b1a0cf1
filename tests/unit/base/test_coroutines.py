"""A coroutine that waits for nobody needs no event loop."""

import asyncio

import pytest

from webhook.base.coroutines import finish


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

    with pytest.raises(RuntimeError, match=r"wait waits, and there is no event loop"):
        finish(wait())
    assert ended == [True]
