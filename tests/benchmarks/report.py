"""Figures as a table and as a picture: medians and quartiles, never one number."""

import os
import platform
import statistics
from collections.abc import Mapping
from pathlib import Path

Figures = dict[str, dict[str, list[float]]]
OURS = "initshim"


def write(figures: Figures, names: list[str], out: Path) -> str:
    """Write reaper.md and reaper.svg into a folder; gives the table."""
    out.mkdir(parents=True, exist_ok=True)
    columns = [*names, "(direct)"]
    table = "\n".join(
        [
            f"| | {' | '.join(columns)} |",
            f"|---|{'---:|' * len(columns)}",
            *(_row(what, values, columns) for what, values in figures.items()),
        ]
    )
    draw(figures, names, out / "reaper.svg")
    (out / "reaper.md").write_text(
        "# The reaper beside its peers\n\n"
        "`make bench` writes this page: medians, with quartiles in brackets, of one run in which\n"
        "the inits take turns. Compare the columns, not the numbers with another machine's.\n"
        "As root, the kernel's sharing of the CPU between sessions (autogroup) is off meanwhile:\n"
        "containers do not have it. On any CPU, the kernel wakes an init and its program on the\n"
        "sender's CPU or on one that sleeps: 10 or 40 µs, whichever init it is.\n\n"
        f"{table}\n\n![The same figures as a picture](reaper.svg)\n\n"
        f"Measured on {os.cpu_count()} CPUs, Linux {platform.release().split('-')[0]}, "
        f"{platform.machine()}; the peers are Debian's packages. The load average was\n"
        f"{os.getloadavg()[2]:.0f} in the last quarter of an hour: "
        "on a machine that does other work, too, the quartiles lie\nfar apart.\n"
    )
    return table


def _row(what: str, values: Mapping[str, list[float]], columns: list[str]) -> str:
    cells = (_cell(values[name]) if name in values else "" for name in columns)
    return f"| {what} | {' | '.join(cells)} |"


def _cell(values: list[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:,.6g}"
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:,.2f} [{low:,.2f} to {high:,.2f}]"


def draw(figures: Figures, names: list[str], path: Path) -> None:
    """Draw one small chart a figure, ours in colour, with quartiles as whiskers."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "initshim"  # the same picture for the same figures
    import matplotlib.pyplot as plt

    across = 3
    down = -(-len(figures) // across)
    sheet, axes = plt.subplots(down, across, figsize=(11, 2.3 * down))
    for axis, (what, values) in zip(axes.flat, figures.items(), strict=False):
        shown = [name for name in reversed(names) if name in values]
        middles = [statistics.median(values[name]) for name in shown]
        colours = ["#1f6feb" if name == OURS else "#b6bfc9" for name in shown]
        axis.barh(shown, middles, xerr=_whiskers(values, shown), color=colours, ecolor="#57606a")
        axis.set_title(what, fontsize=9, loc="left")
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_xlim(left=0)
        axis.locator_params(axis="x", nbins=5)
    for axis in list(axes.flat)[len(figures) :]:
        axis.set_visible(False)
    sheet.tight_layout()
    sheet.savefig(path, metadata={"Date": None})
    plt.close(sheet)


def _whiskers(values: Mapping[str, list[float]], names: list[str]) -> list[list[float]] | None:
    if any(len(values[name]) < 3 for name in names):
        return None
    quartiles = [statistics.quantiles(values[name], n=4) for name in names]
    return [[m - low for low, m, _ in quartiles], [high - m for _, m, high in quartiles]]
