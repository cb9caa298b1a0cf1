"""The figures as tables between two marks of docs/reliability.md, and as a picture."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path

from tests import tables
from tests.integration.faults.measure import Measured
from tests.integration.faults.trial import Trial

PICTURE = tables.RELIABILITY.with_name("pictures") / "reliability.svg"
BLUE, GREY, DARK = "#1f6feb", "#b6bfc9", "#57606a"
_QUANTILES = ((0.5, "p50"), (0.99, "p99"), (0.999, "p99.9"))

_LOAD = (
    "way", "#asked for", "#answered", "#p50", "#p99", "#p99.9", "#errors", "#un-wrapped",
    "#CPU", "#memory",
)  # fmt: skip
_FAULTS = (
    "fault", "what is done", "#pods", "#lost", "#rejected", "#un-wrapped", "#known image left",
    "#new image left", "#for", "#p50", "#p99", "#longest", "seen",
)  # fmt: skip


def load_table(measured: Sequence[Measured]) -> str:
    """Give the table of what reviews cost at each rate."""
    return tables.table(_LOAD, map(_load_row, measured))


def _load_row(run: Measured) -> list[object]:
    asked = "all it can" if run.asked is None else f"{run.asked:,.0f}/s"
    waits = [f"{run.figures.quantile(share):,.1f} ms" for share, _ in _QUANTILES]
    errors = sum(run.figures.failed.values())
    cost = (f"{run.cores:.2f}", f"{run.memory >> 20} MiB")
    return [run.way, asked, f"{run.figures.rate:,.0f}/s", *waits, errors, run.unwrapped, *cost]


def fault_table(trials: Sequence[Trial]) -> str:
    """Give the table of what each fault did to the pods that were created around it."""
    return tables.table(_FAULTS, map(_fault_row, trials))


def _fault_row(trial: Trial) -> list[object]:
    seconds = f"{trial.seconds:.1f} s" if trial.unwrapped + trial.partly else ""
    waits = [f"{trial.figures.quantile(share):,.0f} ms" for share in (0.5, 0.99, 1.0)]
    remarks = [trial.remark] if trial.remark else []
    remarks += [f"{trial.retried} creations tried again by the client"] if trial.retried else []
    counts = (trial.lost, trial.rejected, trial.unwrapped, trial.known, trial.fresh)
    what = (trial.fault.name, trial.fault.does, f"{trial.stored:,}")
    return [*what, *counts, seconds, *waits, "; ".join(remarks)]


def machine() -> str:
    """Say what it was measured on."""
    return (
        f"Measured on {os.cpu_count()} CPUs that API server, etcd, replicas and load share, "
        f"Linux {platform.release().split('-')[0]}, {platform.machine()}."
    )


def draw(measured: Sequence[Measured], trials: Sequence[Trial], path: Path = PICTURE) -> None:
    """Draw latency over rate, and for each fault what share of the pods went un-wrapped."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "initshim"  # the same picture for the same figures
    import matplotlib.pyplot as plt

    sheet = plt.figure(figsize=(11, 8))
    grid = sheet.add_gridspec(2, 2, height_ratios=(1, 1.6))
    for column, way in enumerate(dict.fromkeys(each.way for each in measured)):
        runs = [each for each in measured if each.way == way and each.asked]
        _draw_waits(sheet.add_subplot(grid[0, column]), way, runs)
    _draw_faults(sheet.add_subplot(grid[1, :]), trials)
    sheet.tight_layout()
    sheet.savefig(path, metadata={"Date": None})
    plt.close(sheet)


def _draw_waits(axis: "object", way: str, runs: Sequence[Measured]) -> None:
    import matplotlib.axes

    assert isinstance(axis, matplotlib.axes.Axes)
    rates = [str(int(each.asked or 0)) for each in runs]
    for (share, name), colour in zip(_QUANTILES, (BLUE, DARK, GREY), strict=True):
        waits = [each.figures.quantile(share) for each in runs]
        axis.plot(rates, waits, "o-", color=colour, label=name)
    axis.set_yscale("log")
    axis.set_title(f"{way}: milliseconds, over reviews a second", fontsize=10, loc="left")
    axis.legend(frameon=False, fontsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)


def _draw_faults(axis: "object", trials: Sequence[Trial]) -> None:
    import matplotlib.axes

    assert isinstance(axis, matplotlib.axes.Axes)
    names = [each.fault.name for each in reversed(trials)]
    whole = [100 * each.unwrapped / each.stored for each in reversed(trials)]
    partly = [100 * each.partly / each.stored for each in reversed(trials)]
    axis.barh(names, whole, color=BLUE, label="un-wrapped")
    axis.barh(names, partly, left=whole, color=GREY, label="one container left")
    for row, trial in enumerate(reversed(trials)):
        share = 100 * (trial.unwrapped + trial.partly) / trial.stored
        said = f" {trial.unwrapped + trial.partly} of {trial.stored}, lost {trial.lost}"
        axis.text(share, row, said, va="center", fontsize=8, color=DARK)
    axis.set_xlim(0, 100)
    axis.set_title("% of the pods created around each fault", fontsize=10, loc="left")
    axis.legend(frameon=False, fontsize=8, loc="lower right")
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)
