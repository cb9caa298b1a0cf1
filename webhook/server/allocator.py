"""glibc's allocator, told to give back what was freed.

By itself it raises the size from which a block is a mapping of its own, as soon as a larger one is
freed, up to 32 MiB: then each body and answer comes from the heap, and leaves holes there that the
process keeps. And each thread may get an arena that keeps holes of its own. What is left between
smaller blocks, those of a few hundred TLS connections for instance, it gives back when it is asked.
"""

import asyncio
import ctypes
from typing import Any

_TRIM_THRESHOLD = -1  # malloc.h
_MMAP_THRESHOLD = -3
_ARENA_MAX = -8
# Bytes: a large body, or its answer. What uvloop reads TLS into is smaller, 256 KiB for each read:
# as a mapping of its own, or on a heap that shrinks after each, it would take three system calls.
_LARGE = 320 << 10
_SPARE = 1 << 20  # bytes at the heap's end that are kept
_ARENAS = 1  # for all threads: they look names up and import, and seldom both at once
_EVERY = 10.0  # seconds; to look takes a millisecond or two


def _of_libc(name: str) -> Any:
    return getattr(ctypes.CDLL(None), name, None)


def give_back_memory() -> None:
    """Have large blocks given back when they are freed; another libc is left alone."""
    mallopt = _of_libc("mallopt")
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGE)
        mallopt(_TRIM_THRESHOLD, _SPARE)
        mallopt(_ARENA_MAX, _ARENAS)


async def give_back_holes() -> None:
    """Give back what is free between blocks, now and then, for ever."""
    trim = _of_libc("malloc_trim")
    while trim is not None:
        await asyncio.sleep(_EVERY)
        trim(0)
