"""Capacity: what a pod or a node has used of its PIDs, and how long the rest lasts. No I/O."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from webhook.cli.leaks.observations import Observations
from webhook.cli.leaks.pods import Running

_SANDBOX = 1  # the pause container's process


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many tasks a pod or a node has, and may have; `hours` until it is full, None: never."""

    of: Literal["pod", "node"]
    name: str
    tasks: int
    limit: int
    hours: float | None = None

    def at_rate(self, hourly: float) -> "Capacity":
        """Give it with the hours that it lasts where so many tasks come in one."""
        if hourly <= 0:
            return self
        return replace(self, hours=max(0, self.limit - self.tasks) / hourly)


def tasks_of_pods(
    nodes: Iterable[Observations], containers: Mapping[str, Running]
) -> Counter[tuple[str, str]]:
    """Count the tasks of each pod, its sandbox's included."""
    tasks: Counter[tuple[str, str]] = Counter()
    for node in nodes:
        for identity, observed in node.containers.items():
            of = containers.get(identity)
            if of:
                tasks[of.key] += observed.tasks + (0 if of.key in tasks else _SANDBOX)
    return tasks


def capacities_of(
    of: Running, tasks: int, node: Observations, limits: Mapping[str, int]
) -> Iterator[Capacity]:
    """Give those of the pod and the node that a container is in, as far as they are known."""
    if of.node in limits:
        yield Capacity("pod", f"{of.workload.namespace}/{of.pod}", tasks, limits[of.node])
    if node.most:
        yield Capacity("node", of.node, node.tasks, node.most)


def fullest(capacities: Iterable[Capacity]) -> Capacity | None:
    """Give the one that is full first; where none fills, the one that is fullest now."""
    listed: Sequence[Capacity] = tuple(capacities)
    filling = [each for each in listed if each.hours is not None]
    if filling:
        return min(filling, key=lambda each: (each.hours, each.name))
    return max(listed, key=lambda each: (each.tasks / each.limit, each.name), default=None)
