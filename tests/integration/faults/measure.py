"""Load: what one review costs at fixed rates, directly and through the API server."""

import time
from dataclasses import dataclass
from typing import Any

from tests.integration.faults.load import Figures
from tests.integration.faults.stage import Stage

RATES = (100, 500, 1000)
WORKERS = 64  # requests at once, where as many as possible are wanted


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: the figures, and what the webhook's processes used for it."""

    way: str
    asked: float | None  # requests a second, or as many as can be had
    figures: Figures
    cores: float
    memory: int  # bytes, all replicas

    @property
    def unwrapped(self) -> int:
        """Answers without a patch, and pods without the reaper."""
        return self.figures.outcomes["unwrapped"]


def measure(stage: Stage, *, seconds: float) -> list[Measured]:
    """Run every rate both ways."""
    asked = [*RATES, None]
    direct = [_run(stage, "directly", rate, seconds) for rate in asked]
    return direct + [_run(stage, "through the API server", rate, seconds) for rate in asked]


def _run(stage: Stage, way: str, rate: float | None, seconds: float) -> Measured:
    how: dict[str, Any] = {"workers": WORKERS} if rate is None else {"rate": rate}
    before, start = stage.fleet.usage()[0], time.monotonic()
    if way == "directly":
        running = stage.reviewing(seconds=seconds, **how)
    else:
        running = stage.creating(seconds=seconds, dry_run=True, patience="0s", **how)
    with running as load:
        figures = load.wait(seconds)
    after, memory = stage.fleet.usage()
    return Measured(way, rate, figures, (after - before) / (time.monotonic() - start), memory)
