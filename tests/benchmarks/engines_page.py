"""The page about the engines: a table, a picture, and where it was measured."""

import os
import platform
import statistics
from pathlib import Path

from tests.benchmarks.report import Figures, draw

NOTHING, POLICY, WEBHOOK, BOTH = "nothing", "policy", "webhook", "both"
WAYS = (NOTHING, POLICY, WEBHOOK, BOTH)
SHAPES = ("every container gives a command", "one image is looked up")
_KINDS = {
    "latency": "latency of the creation, ms",
    "API server": "CPU of the API server for one pod, ms",
    "webhook": "CPU of the webhook for one pod, ms",
}
_HEAD = """# What each engine costs a pod's creation

`make bench-engines` writes this page: medians, with quartiles in brackets, of one run in which the
engines take turns. Compare the columns, not the numbers with another machine's.

A real kube-apiserver {version} and etcd; {replicas} replicas of the webhook behind the chart's
Service; the chart's own objects, for a namespace of each engine. One client creates pods of three
containers and 9 KB, one after the other, and they are stored: {rounds} turns of {pods} pods for
each column and each table. *nothing* is a namespace that nobody selects. Who was asked, and which
containers came back wrapped, is checked in every turn.

With `both`, a pod in which every container gives a command costs no call: what is left is the
policy, and the webhook's `matchCondition`, which finds nothing left to ask about. Where an image
has to be looked up (it is in the webhook's cache here), `both` costs what policy and webhook cost
together; `policy` alone leaves that container alone.
"""


def write(figures: Figures, version: str, rounds: int, pods: int, out: Path) -> str:
    """Write engines.md and engines.svg into a folder; gives the tables."""
    out.mkdir(parents=True, exist_ok=True)
    tables = "\n\n".join(_table(shape, figures) for shape in SHAPES)
    drawn = {
        f"{title}\n{shape}": figures[f"{kind}, {shape}"]
        for shape in SHAPES
        for kind, title in _KINDS.items()
    }
    draw(drawn, list(WAYS), out / "engines.svg")
    head = _HEAD.format(version=version, replicas=2, rounds=rounds, pods=pods)
    (out / "engines.md").write_text(
        f"{head}\n{tables}\n\n![The same figures as a picture](engines.svg)\n\n"
        f"Measured on {os.cpu_count()} CPUs that API server, etcd, replicas and client share, "
        f"Linux {platform.release().split('-')[0]}, {platform.machine()}. The load average at its "
        f"end was {os.getloadavg()[0]:.1f}; the benchmark alone makes 2.\n"
        "[How to choose between the engines](../engines.md).\n"
    )
    return tables


def _table(shape: str, figures: Figures) -> str:
    lines = [
        f"| {shape} | {' | '.join(WAYS)} |",
        f"|---|{'---:|' * len(WAYS)}",
    ]
    for kind, title in _KINDS.items():
        found = figures[f"{kind}, {shape}"]
        lines.append(f"| {title} | {' | '.join(_cell(found[way]) for way in WAYS)} |")
    return "\n".join(lines)


def _cell(values: list[float]) -> str:
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:,.2f} [{low:,.2f} to {high:,.2f}]"
