"""Look from inside: run what a container has (a shell, an interpreter, cat) and read its /proc.

For clusters that allow no pods on nodes. What no program can look into is said, not guessed.
Rights: list pods; get and create pods/exec.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from webhook.cli.audit.progress import Bar
from webhook.cli.leaks.observations import Observations, Observed
from webhook.cli.leaks.pods import Running
from webhook.cli.leaks.probes import PROBES, Probe
from webhook.cli.leaks.procfs import Reading, observed, reading
from webhook.core.errors import InitshimError
from webhook.kube.errors import Forbidden, KubeError, NotStarted

Exec = Callable[[Running, tuple[str, ...]], Awaitable[str]]
"""Runs a command in a container and gives what it prints; raises KubeError."""

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Inside:
    """What was seen in the containers, and why others could not be looked into."""

    observations: Observations
    problems: tuple[str, ...]


async def observe_containers(
    containers: Mapping[str, Running], run: Exec, *, seconds: float, bar: Bar
) -> Inside:
    """Look into every container twice, a few at once."""
    turn = asyncio.Semaphore(_AT_ONCE)
    bar.begin("containers", len(containers))
    refused: set[str] = set()
    problems: list[str] = []
    seen: dict[str, Observed] = {}

    async def one(identity: str, container: Running) -> None:
        try:
            async with turn:
                if container.workload.namespace in refused:
                    problems.append(_NO_RIGHT)
                    return
                probe, before = await _first_that_runs(container, run)
            await asyncio.sleep(seconds)
            async with turn:
                after = reading(await run(container, probe.command))
            seen[identity] = observed(before, after)
        except Forbidden:
            refused.add(container.workload.namespace)
            problems.append(_NO_RIGHT)
        except NotStarted:
            problems.append(
                "nothing in the image can read /proc (no shell, no cat, no interpreter)"
            )
        except (KubeError, InitshimError) as error:
            problems.append(str(error))
        bar.step(f"{container.workload.namespace}/{container.pod}")

    await asyncio.gather(*(one(*each) for each in containers.items()))
    return Inside(Observations(seconds=seconds, containers=seen), tuple(_counted(problems)))


_NO_RIGHT = "no right to exec: get and create pods/exec"


async def _first_that_runs(container: Running, run: Exec) -> tuple[Probe, Reading]:
    """Try one program after the other. Raises NotStarted where the image has none of them."""
    for probe in PROBES:
        try:
            return probe, reading(await run(container, probe.command))
        except NotStarted:
            continue
    raise NotStarted("the image has no program that could read /proc")


def _counted(problems: Iterable[str]) -> Iterable[str]:
    for problem, count in Counter(problems).most_common():
        containers = "1 container" if count == 1 else f"{count:,} containers"
        yield f"{containers} not looked into: {problem}"
