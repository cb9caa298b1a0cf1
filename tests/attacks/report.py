"""The table of neighbours: what each did, and what the others felt."""

import os
import platform
from collections.abc import Sequence

from tests import tables
from tests.attacks.trial import Outcome, quantile

_HEAD = (
    "neighbour", "what it did", "#honest reviews", "#p50", "#p99", "#un-wrapped",
    "#slowest probe", "#memory",
)  # fmt: skip


def table(outcomes: Sequence[Outcome]) -> str:
    """Give a row for each attack."""
    return tables.table(_HEAD, map(_row, outcomes))


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
