"""What a resolver that is late is given on top of its deadline."""

import asyncio

import pytest

from webhook.admission.in_time import _limit


@pytest.mark.parametrize(
    ("left", "more"), [(10.0, 2.0), (2.5, 0.5), (0.5, 0.1), (0.1, 0.1), (0.0, 0.1), (-5.0, 0.1)]
)
async def test_a_fifth_of_its_time_and_a_tenth_of_a_second_at_least(
    left: float, more: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    now = loop.time()
    monkeypatch.setattr(loop, "time", lambda: now)
    late = _limit(now + left) - (now + left)
    monkeypatch.undo()
    assert late == pytest.approx(more)
