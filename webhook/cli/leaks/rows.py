"""The two tables, for a terminal and for a page: their columns and their rows. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_MOST_COMMANDS = 3

Row = Mapping[str, Any]
"""A leak or a deaf program, as `report.findings_data` has it."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns' names, those of them that hold numbers, and its rows."""

    head: Sequence[str]
    numbers: frozenset[str]
    rows: Sequence[Sequence[str]]


def leaks(found: Sequence[Row]) -> Table:
    """Give the table of leaks."""
    head = (
        "workload", "container", "pods", "zombies", "per hour", "PIDs used", "full in", "left by",
        "verdict",
    )  # fmt: skip
    numbers = frozenset({"pods", "zombies", "per hour", "PIDs used", "full in"})
    return Table(head, numbers, [_leak(each) for each in found])


def deaf(found: Sequence[Row]) -> Table:
    """Give the table of programs that no SIGTERM ends."""
    head = ("workload", "container", "pods", "program", "each stop", "verdict")
    return Table(head, frozenset({"pods", "each stop"}), [_deaf(each) for each in found])


def workload(found: Row) -> str:
    """Name a finding's workload."""
    named = found["workload"]
    return f"{named['namespace']} {named['kind']}/{named['name']}"


def _leak(leak: Row) -> list[str]:
    return [
        workload(leak),
        leak["container"],
        f"{leak['pods']:,}",
        f"{leak['zombies']:,}",
        f"{leak['hourly']:,.0f}",
        _used(leak["room"]),
        hours(leak["room"]["hours"]) if leak["room"] else "",
        _commands(leak["commands"]),
        leak["verdict"],
    ]


def _deaf(deaf: Row) -> list[str]:
    return [
        workload(deaf),
        deaf["container"],
        f"{deaf['pods']:,}",
        deaf["program"],
        f"{deaf['grace']:,} s",
        deaf["verdict"],
    ]


def _used(room: Row | None) -> str:
    """Say how full the pod or the node is that is full first."""
    return f"{room['tasks']:,} of the {room['of']}'s {room['limit']:,}" if room else ""


def _commands(commands: Mapping[str, int]) -> str:
    named = [f"{name} x{count:,}" for name, count in [*commands.items()][:_MOST_COMMANDS]]
    more = len(commands) - len(named)
    return ", ".join([*named, f"{more} more"] if more else named)


def hours(time: float | None) -> str:
    """Say a time in hours as a person does; "" where it isn't known."""
    if time is None:
        return ""
    if time < 1:
        return f"{max(1, round(time * 60)):,} min"
    return f"{time:,.0f} h" if time < 48 else f"{time / 24:,.0f} days"
