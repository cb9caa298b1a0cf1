"""What a look at processes found, however it was taken: by a census on the node, or by exec."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Term(StrEnum):
    """What SIGTERM does to a container's PID 1: without a handler the kernel drops it."""

    DEFAULT = "default"
    IGNORED = "ignored"
    HANDLED = "handled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Zombies:
    """Zombies of one name under one parent.

    Counts of the first look, of the second, and of those that were there at both. `by_pid_1`: the
    parent is PID 1 of the container. `parent` is its name, "" where it was gone by then.
    """

    name: str
    parent: str
    by_pid_1: bool
    before: int
    now: int
    stayed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One container: its zombies, its PID 1, its tasks (threads and zombies: each holds a PID).

    `seconds` were between its two looks; 0: as many as for the others.
    """

    zombies: tuple[Zombies, ...] = ()
    pid_1: str = ""
    term: Term | None = None
    tasks: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Observations:
    """What was seen of a node in `seconds` between the looks, by container id.

    `tasks` are all of the node's, `most` is how many it can have; 0 where nobody knows. `partial`
    says what was not seen.
    """

    seconds: float
    containers: Mapping[str, Observed] = field(default_factory=dict)
    tasks: int = 0
    zombies: int = 0
    most: int = 0
    elsewhere: int = 0
    """Zombies that are no container's: of the node's own services."""
    partial: str = ""
