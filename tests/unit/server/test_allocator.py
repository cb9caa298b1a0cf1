"""What was freed goes back to the system, where the libc is glibc."""

import asyncio
import ctypes
import platform

import psutil
import pytest

from webhook.server import allocator

GLIBC = platform.libc_ver()[0] == "glibc"


@pytest.mark.skipif(not GLIBC, reason="another libc")
async def test_holes_between_blocks_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator, "_EVERY", 0.01)
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    rss = psutil.Process().memory_info
    blocks = [libc.malloc(100_000) for _ in range(600)]
    for block in blocks:
        ctypes.memset(block, 1, 100_000)
    for block in blocks[:-1]:
        libc.free(block)  # the last one keeps the heap's end where it is
    before = rss().rss
    giving = asyncio.create_task(allocator.give_back_holes())
    for _ in range(500):
        await asyncio.sleep(0.01)
        if rss().rss < before - (30 << 20):
            break
    giving.cancel()
    assert rss().rss < before - (30 << 20)
    libc.free(blocks[-1])


async def test_another_libc_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator, "_of_libc", lambda _name: None)
    allocator.give_back_memory()
    await allocator.give_back_holes()  # ends
