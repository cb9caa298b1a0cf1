"""The findings as one HTML file: a picture and two tables, light and dark, nothing fetched."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from webhook.cli.leaks import rows

_MOST_BARS = 15
_ROW = 42  # pixels: a name, and its bar below
_LONGEST = 78.0  # per cent of the width; its number stands behind it

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --paper: #fff; --line: #d7dde5; --soft: #5b6675;
  --mended: #2f7d4f; --not: #b4531a; --late: #7b8794; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9f0; --paper: #14181f; --line: #313a47;
  --soft: #9aa6b5; --mended: #5fbf86; --not: #e8935c; --late: #8b97a6; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1240px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line);
  vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td:last-child { min-width: 13rem; } td.number, th.number, td:first-child { white-space: nowrap; }
svg { width: 100%; } svg text { fill: var(--ink); font-size: 14px; }
.mended { fill: var(--mended); color: var(--mended); } .not { fill: var(--not); color: var(--not); }
.late { fill: var(--late); color: var(--late); }
.soft { color: var(--soft); }
""".strip()

_FOOT = (
    "A zombie is a process that has ended and that its parent has not waited for. It holds a PID"
    " of its node until then."
)
_KEY = (
    ("mended", "mended by initshim"),
    ("not", "not mended by an init"),
    ("late", "waited for, only late"),
)


def page(data: dict[str, Any]) -> str:
    """Give the page for findings as `report.findings_data` has them."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Zombies by workload</title><style>{_STYLE}</style></head><body><main>",
        "<h1>Which workloads leave zombies</h1>",
        *(f"<p>{escape(line)}</p>" for line in data["summary"]),
        *(_picture(data["leaks"]) if data["leaks"] else ()),
        *_section("Zombies", rows.leaks(data["leaks"])),
        *_section("Programs that no SIGTERM ends", rows.deaf(data["deaf"])),
        *_problems(data["problems"]),
        f'<p class="soft">{_FOOT}</p>',
        "</main></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _class(leak: dict[str, Any]) -> str:
    if leak["cause"] == "late":
        return "late"
    return "mended" if leak["mended"] else "not"


def _picture(leaks: Sequence[dict[str, Any]]) -> Iterable[str]:
    """Draw those with the most zombies as bars, in shares of the width: text keeps its size."""
    most = sorted(leaks, key=lambda leak: -leak["zombies"])[:_MOST_BARS]
    longest = max(leak["zombies"] for leak in most) or 1
    described = "; ".join(f"{rows.workload(leak)} {leak['zombies']}" for leak in most)
    yield f'<svg height="{len(most) * _ROW}" role="img" aria-label="{escape(described)}">'
    for at, leak in enumerate(most):
        top = at * _ROW
        width = max(0.3, _LONGEST * leak["zombies"] / longest)
        yield (
            f'<text y="{top + 14}">{escape(_shortened(rows.workload(leak)))}</text>'
            f'<rect class="{_class(leak)}" y="{top + 20}" width="{width:.1f}%" height="14" rx="2">'
            f'</rect><text x="{width:.1f}%" dx="6" y="{top + 32}">{leak["zombies"]:,}</text>'
        )
    yield "</svg>"
    key = " · ".join(f'<span class="{name}">■</span> {escape(text)}' for name, text in _KEY)
    yield f"<p>{key}</p>"


def _shortened(name: str) -> str:
    return name if len(name) <= 44 else f"{name[:26]}…{name[-17:]}"


def _section(title: str, table: rows.Table) -> Iterable[str]:
    yield f"<h2>{escape(title)}</h2>"
    yield from _table(table) if table.rows else ["<p>None.</p>"]


def _problems(problems: Sequence[str]) -> Iterable[str]:
    if problems:
        yield "<h2>What could not be looked at</h2><ul>"
        yield from (f"<li>{escape(each)}</li>" for each in problems)
        yield "</ul>"


def _table(table: rows.Table) -> Iterable[str]:
    marks = [' class="number"' if name in table.numbers else "" for name in table.head]
    names = "".join(
        f'<th scope="col"{mark}>{escape(name)}</th>'
        for name, mark in zip(table.head, marks, strict=True)
    )
    yield f'<div class="wide" tabindex="0"><table><thead><tr>{names}</tr></thead><tbody>'
    for row in table.rows:
        cells = "".join(
            f"<td{mark}>{escape(cell)}</td>" for cell, mark in zip(row, marks, strict=True)
        )
        yield f"<tr>{cells}</tr>"
    yield "</tbody></table></div>"
