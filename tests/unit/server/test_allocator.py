"""Blocks as large as uvloop's reads stay with the process; larger ones are given back."""

import resource
import subprocess
import sys

import pytest

from webhook.server.allocator import give_back_holes, give_back_memory

READ = 256 << 10
TIMES = 200


def faults(size: int) -> int:
    """Give how many pages the kernel had to find for so many blocks, one after the other."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(TIMES):
        bytearray(size).clear()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.parametrize(("size", "stays"), [(READ + 33, True), (16 * READ, False)])
def test_only_large_blocks_are_mapped_anew_each_time(size: int, stays: bool) -> None:
    given = "from webhook.server.allocator import give_back_memory; give_back_memory()"
    counted = f"from {__name__} import faults; print(faults({size}))"
    done = subprocess.run(
        [sys.executable, "-c", f"{given}; {counted}"], capture_output=True, text=True, check=True
    )
    assert (int(done.stdout) < TIMES) is stays


async def test_another_libc_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """musl has no mallopt(3) and no malloc_trim(3)."""
    monkeypatch.setattr("ctypes.CDLL", lambda _name: object())
    give_back_memory()
    await give_back_holes()  # which otherwise never ends
