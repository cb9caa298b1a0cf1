"""Coroutines taken step by step.

One that waits for nobody is run without an event loop, for asyncio takes longer to import.
"""

from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run one to its end. Raises RuntimeError where it waits after all, and what it raises."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()
    name = getattr(coroutine, "__qualname__", repr(coroutine))
    raise RuntimeError(f"{name} waits, and there is no event loop")


@coroutine
def rest(work: Coroutine[Any, Any, T], waits: Any) -> Generator[Any, Any, T]:
    """Await a coroutine of which the first step is done; `waits` is what that gave."""
    try:
        while True:
            try:
                yield waits
            except BaseException as error:  # noqa: BLE001 - the coroutine's to handle
                waits = work.throw(error)
            else:
                waits = work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
