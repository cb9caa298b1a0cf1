"""One attack against one webhook, and the judgement.

The bounds are the ones that a person feels: a review under a second, every honest container
wrapped, /healthz under a second, no restart, no memory that stays. Machines differ, and may be
busy: a twin of webhook and tenant, which nobody attacks, runs at the same time on the same machine,
and where it needs more than a tenth of a second itself, ten times of what it needs is the bound.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.attacks.arena import Arena, arena, yield_cpu
from tests.attacks.attack import Attack
from tests.attacks.tenant import Felt

SECONDS = 1.0  # of a review and of a probe, on a machine that has time
_SLOWER = 10.0  # times the twin's
_CALM = 3.0  # seconds without an attack: before it, and before memory is read
_TIMEOUTS = 12.0  # seconds: more than a handshake, a request and a lookup may take
_STAYS = 16 << 20  # bytes that a second round may leave beyond the first


@dataclass
class Outcome:
    """What the others felt of an attack."""

    attack: Attack
    twin: Felt
    felt: Felt
    memory: list[int]
    limit: str
    sent: dict[str, int]
    died: str = ""
    faults: list[str] = field(default_factory=list)

    @property
    def p99(self) -> float:
        """Seconds of the honest reviews."""
        return quantile(self.felt.reviews, 0.99)

    @property
    def probe(self) -> float:
        """Seconds of the slowest probe."""
        return max(self.felt.probes, default=0.0)


def tried(attack: Attack, *, seconds: float = 4.0) -> Outcome:
    """Attack a webhook twice for some seconds each, and judge what the honest tenant felt."""
    with (
        arena(**attack.settings) as (found, neighbour),
        arena(**attack.settings) as (_, spared),
        elsewhere() as attacking,
    ):
        time.sleep(_CALM)
        for each in (neighbour, spared):
            each.felt()  # the first reviews of a process warm it up
        felt, memory = Felt(), []
        died = ""
        for _ in range(2):
            died = died or _waves(attack, found, seconds, attacking)
            more = neighbour.felt()
            felt = _together(felt, more)
            if died:
                break
            time.sleep(_CALM)
            memory.append(found.memory())
        if len(memory) == 2 and memory[1] - memory[0] > _STAYS:
            time.sleep(_TIMEOUTS)  # timers of the dead hold what they were to end
            memory[1] = found.memory()
        twin = spared.felt()
        outcome = Outcome(attack, twin, felt, memory, found.limit, dict(found.sent), died)
        outcome.faults = list(judged(outcome))
        return outcome


@contextmanager
def elsewhere() -> Iterator[Callable[[Coroutine[Any, Any, None]], None]]:
    """Give what runs an attack, all of it in one loop, as if on another machine."""
    with ThreadPoolExecutor(1, initializer=yield_cpu) as thread, asyncio.Runner() as runner:
        yield lambda work: thread.submit(runner.run, work).result()
        thread.submit(runner.close).result()


def _waves(
    attack: Attack,
    found: Arena,
    seconds: float,
    attacking: Callable[[Coroutine[Any, Any, None]], None],
) -> str:
    """Attack until the time is over; say how the webhook died, if it did."""

    async def waves() -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and found.webhook.popen.poll() is None:
            await attack.do(found)

    attacking(waves())
    code = found.webhook.popen.poll()
    return (
        "" if code is None else f"ended with {code}: {''.join(found.webhook.written[-3:])[-500:]}"
    )


def judged(outcome: Outcome) -> Sequence[str]:
    """Say what was worse than it may be, each in a sentence."""
    review = max(SECONDS, _SLOWER * quantile(outcome.twin.reviews, 0.99))
    probe = max(SECONDS, _SLOWER * max(outcome.twin.probes, default=0.0))
    said = []
    if outcome.died:
        said.append(f"the webhook {outcome.died}")
    if not outcome.felt.reviews or not outcome.felt.probes:
        said.append("the tenant sent nothing")
    if _lost(outcome.felt) > 2 * _lost(outcome.twin):
        said.append(f"{len(outcome.felt.unwrapped)} un-wrapped, {outcome.felt.unwrapped[0]}")
    if outcome.felt.dead:
        said.append(f"{len(outcome.felt.dead)} probes failed, {outcome.felt.dead[0]}")
    if outcome.p99 > review:
        said.append(f"p99 {outcome.p99:.2f} s, more than {review:.2f} s")
    if outcome.probe > probe:
        said.append(f"a probe took {outcome.probe:.2f} s, more than {probe:.2f} s")
    if len(outcome.memory) == 2 and outcome.memory[1] - outcome.memory[0] > _STAYS:
        grown = (outcome.memory[1] - outcome.memory[0]) >> 20
        said.append(f"{grown} MiB stayed after the second round")
    return said


def _lost(felt: Felt) -> float:
    """Give the share of the reviews that left something un-wrapped."""
    return len(felt.unwrapped) / max(1, len(felt.reviews))


def quantile(times: Sequence[float], share: float) -> float:
    """Give the time that so large a share stayed within."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _together(one: Felt, other: Felt) -> Felt:
    return Felt(
        one.reviews + other.reviews,
        one.probes + other.probes,
        one.unwrapped + other.unwrapped,
        one.dead + other.dead,
    )
