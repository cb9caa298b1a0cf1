"""The part of docs/benchmarks/cluster.md about a pod's start, from figures kept as JSON."""

import json
import re
import statistics
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.start_kinds import KINDS, VARIANTS

Times = Mapping[str, Mapping[str, list[float]]]
VARIED = "one thing at a time"
"""The name of the figures of `VARIANTS`."""
BEGIN, END = "<!-- start: written by tests/benchmarks/pod_start.py -->", "<!-- end of start -->"
_WHOLE = "POST to the first instruction"
_SEEN = "its end seen by the kubelet"
_OF_INIT = {
    "init container created": "created",
    "init container started, run, ended": "started, run, ended",
    _SEEN: "its end seen",
    _WHOLE: _WHOLE,
}
_NAMED = {
    "no-token": "not injected",
    "no-token-image-volume": "image volume",
}


def write(figures: Mapping[str, Times], out: Path) -> str:
    """Keep the figures, write the page's part; give it."""
    kept = out / "start.json"
    all_of = json.loads(kept.read_text()) if kept.exists() else {}
    for name, times in figures.items():
        if times:
            all_of[name] = {
                kind: {step: summary(values) for step, values in steps.items()}
                for kind, steps in times.items()
            }
    kept.write_text(json.dumps(all_of, indent=1) + "\n")
    text = part(out)
    page = out / "cluster.md"
    whole = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    page.write_text(whole.sub(lambda _: text, page.read_text()))
    return text


def summary(values: list[float]) -> list[float]:
    """Give median, quartiles and number."""
    low, middle, high = statistics.quantiles(values, n=4)
    return [round(each, 1) for each in (middle, low, high)] + [len(values)]


def part(out: Path) -> str:
    """Write the part: of images that are there, of an init container's parts, and of the rest."""
    kept = out / "start.json"
    figures = json.loads(kept.read_text()) if kept.exists() else {}
    there = figures.get("there", {})
    lines = [BEGIN, ""]
    if there:
        kinds = [kind for kind in KINDS if kind in there]
        steps = _in_order([list(there[kind]) for kind in kinds])
        number = there[kinds[0]][_WHOLE][3]
        lines += [f"| ms, {number} pods each | {' | '.join(KINDS[kind] for kind in kinds)} |"]
        lines += ["|---|" + "---:|" * len(kinds)]
        for step in steps:
            cells = [_cell(there[kind].get(step)) for kind in kinds]
            lines.append(f"| {step} | {' | '.join(cells)} |")
        lines.append("")
    if varied := figures.get(VARIED):
        lines += [*_varied(varied), ""]
    others = {name: times for name, times in figures.items() if name not in ("there", VARIED)}
    if others:
        lines += [
            f"| otherwise, ms | pods | {_SEEN} | {_WHOLE} |",
            "|---|---:|---:|---:|",
        ]
        for name, times in others.items():
            for kind, steps in times.items():
                title, whole = KINDS.get(kind) or _NAMED[kind], steps[_WHOLE]
                seen = _cell(steps.get(_SEEN))
                lines.append(f"| {name}: {title} | {whole[3]} | {seen} | {_cell(whole)} |")
        lines.append("")
    return "\n".join([*lines, END])


def _varied(varied: Mapping[str, Mapping[str, list[float]]]) -> list[str]:
    """Write the table of an init container that is changed in one thing at a time."""
    number = next(iter(varied.values()))[_WHOLE][3]
    lines = [f"| ms, {number} pods each | {' | '.join(_OF_INIT.values())} |"]
    lines.append("|---|" + "---:|" * len(_OF_INIT))
    for kind, steps in varied.items():
        title = VARIANTS[kind][0] if kind in VARIANTS else KINDS[kind]
        cells = [_cell(steps.get(step)) for step in _OF_INIT]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return lines


def _in_order(lists: list[list[str]]) -> list[str]:
    """Give every step once, in the order that all kinds share."""
    steps: list[str] = []
    for listed in lists:
        at = 0
        for step in listed:
            if step in steps:
                at = steps.index(step) + 1
            else:
                steps.insert(at, step)
                at += 1
    return steps


def _cell(values: list[float] | None) -> str:
    if not values:
        return ""
    middle, low, high = (f"{each:,.0f}" if each >= 20 else f"{each:.1f}" for each in values[:3])
    return f"{middle} [{low} to {high}]"
