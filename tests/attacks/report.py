"""The table of neighbours: what each did, and what the others felt."""

import os
import platform
from collections.abc import Mapping, Sequence

from tests import tables
from tests.attacks.trial import Outcome, quantile

_HEAD = (
    "neighbour", "what it did", "#honest reviews", "#p50", "#p99", "#un-wrapped",
    "#slowest probe", "#memory",
)  # fmt: skip


def table(outcomes: Sequence[Outcome], kept: Mapping[str, str] | None = None) -> str:
    """Give a row for each attack; `kept` are rows of others, by name, in the catalogue's order."""
    rows = {**(kept or {}), **{each.attack.name: tables.line(_row(each)) for each in outcomes}}
    return "\n".join([tables.table(_HEAD, ()), *filter(None, rows.values())])


def kept_rows(names: Sequence[str]) -> dict[str, str]:
    """Give the rows that the page has of attacks, "" where it has none."""
    lines = tables.RELIABILITY.read_text().splitlines()
    return {name: next((each for each in lines if f"| **{name}**: " in each), "") for name in names}


def _row(outcome: Outcome) -> list[object]:
    memory = f"{max(outcome.memory) >> 20} MiB" if outcome.memory else "killed"
    times = [quantile(outcome.felt.reviews, 0.5), outcome.p99, outcome.probe]
    p50, p99, probe = (f"{1000 * each:,.0f} ms" for each in times)
    did = f"**{outcome.attack.name}**: {outcome.attack.what}"
    felt = outcome.felt
    counts = (len(felt.reviews), p50, p99, len(felt.unwrapped))
    return [outcome.attack.position, did, *counts, probe, memory]


def machine(outcomes: Sequence[Outcome]) -> str:
    """Say what it was measured on, and what the twin felt that nobody attacked."""
    twin = [each for outcome in outcomes for each in outcome.twin.reviews]
    limits = sorted({outcome.limit for outcome in outcomes})
    return (
        f"Measured on {os.cpu_count()} CPUs that webhooks, tenants and attacker share, "
        f"Linux {platform.release().split('-')[0]}, {platform.machine()}; 256 MiB by "
        f"{', '.join(limits)}. A twin that nobody attacked felt, at the same time: p50 "
        f"{1000 * quantile(twin, 0.5):,.0f} ms, p99 {1000 * quantile(twin, 0.99):,.0f} ms, "
        f"{sum(len(outcome.twin.unwrapped) for outcome in outcomes)} of {len(twin)} un-wrapped."
    )
