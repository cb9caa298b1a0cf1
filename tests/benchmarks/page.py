"""The webhook's page: tables, a picture, and which goals were met."""

import json
import os
import platform
import statistics
from pathlib import Path

from tests.benchmarks.contenders import LIMIT, NAIVE, OURS, PEER
from tests.benchmarks.instructions import RECORD
from tests.benchmarks.parts import BUYS
from tests.benchmarks.report import Figures, draw
from tests.benchmarks.reviews import KINDS, MAIN, SHAPES

_HEAD = """# The webhook beside its peers

`make bench-webhook` writes this page; `make bench` does, too. Medians, with quartiles in brackets,
of one run in which the servers take turns. Compare the columns, not the numbers with another
machine's.

One process serves on one core; a client on another core keeps 16 connections, over TLS, HTTP/1.1,
as the API server does. The reviews are golden pods of the tests with what the API server adds
(defaults, the projected token, managedFields), grown by environment variables.
Their images are in no index: of one that lists platforms, all are compared each time, some 2 µs for
each platform.

- **{limit}**: under the same uvicorn, uvloop, httptools and TLS settings an application that reads
  the body and sends 900 fixed bytes. It parses nothing: no webhook in Python can be faster.
- **FastAPI + pydantic**: a route with models for the review, which builds the same patch naively.
- **{peer}**: Go; the admission server of kubebuilder's book (typed pod, patch by comparison). The
  webhook of bank-vaults would be another, but Go's module proxy did not serve it.

Only initshim writes a log line and counts metrics for each review, caps what it reads, and applies
each new shape of a patch to the pod before it sends it. Its log goes to /dev/null here.

"""
_FLOOR = """## Where the floor is

A review of 9 KB takes {whole} thousand instructions, everything between a request's bytes and its
answer's but TLS and the kernel. Before anything is decided, uvicorn and httptools take {bare} of
them, the reading {reading} (to decode what is read alone, 122), and the answer {answer}: {least} in
all, which no webhook on them can be much below. With an end to every wait, and caps on what is
kept, uvicorn takes {server}. What each part takes, and what it buys:

| part | thousand instructions | buys |
|---|---:|---|
{rows}

What is left goes between the parts. `python tests/benchmarks/instructions.py` counts again.
"""
_BARE = 161  # thousand instructions: raw ASGI on uvicorn's own protocol
_BY_IMAGE = "what a container without a command runs, from the cache, for whoever was shown it"
_TABLES = {
    "CPU for one review, µs": "cpu",
    "Reviews per second on one core": "rate",
}
_ONCE = {
    "p50 at half load, ms": "half load p50",
    "p99 at half load, ms": "half load p99",
    "p99.9 at half load, ms": "half load p99.9",
    "start to first answer, ms": "start",
    "Rss after {reviews:,} reviews, MB": "Rss",
}


def write(figures: Figures, names: list[str], reviews: int, out: Path) -> str:
    """Write webhook.md and webhook.svg into a folder; gives the tables."""
    out.mkdir(parents=True, exist_ok=True)
    tables = [_table(title, _by_sample(key), figures, names) for title, key in _TABLES.items()]
    once = {title.format(reviews=reviews): key for title, key in _ONCE.items()}
    tables += [_table(f"{MAIN[0]}, {MAIN[1]}", once, figures, names), _goals(figures)]
    text = "\n\n".join(tables)
    shown = {title: figures[key] for title, key in once.items()}
    main = ", ".join(reversed(MAIN))
    shown = {"CPU for one review, µs (9 KB, 3 containers)": figures[f"cpu, {main}"], **shown}
    draw(shown, names, out / "webhook.svg")
    medians = {
        name: round(statistics.median(values[OURS]), 2) for name, values in sorted(figures.items())
    }
    published, changes = out / "webhook.json", [""]
    if published.exists():
        changes = moved(json.loads(published.read_text()), medians)
    published.write_text(json.dumps(medians, indent=2) + "\n")
    head = _HEAD.format(limit=LIMIT, peer=PEER)
    picture = "![The same figures as a picture](webhook.svg)"
    (out / "webhook.md").write_text(f"{head}\n{text}\n\n{picture}\n\n{_floor()}\n{_made_on()}\n")
    return "\n\n".join([text, "\n".join(changes)])


def moved(before: dict[str, float], now: dict[str, float]) -> list[str]:
    """Say of each figure how far it is from the one that was published last."""
    return [
        f"{name}: {value:g}, {value / before[name] - 1:+.0%} to what was published"
        for name, value in now.items()
        if before.get(name)
    ]


def _floor() -> str:
    """Say what a review takes at least, and what the rest buys, by the recorded counts."""
    record = json.loads(RECORD.read_text())
    rows = [
        f"| {part} | {record['parts'][part] / 1000:,.0f} | {what} |" for part, what in BUYS.items()
    ]
    counts = record["counts"]
    image = (counts["warm cache"] - counts["commands"]) / SHAPES[MAIN[0]][1]
    rows.append(f"| each remembered image | {image / 1000:,.0f} | {_BY_IMAGE} |")
    reading, answer = (
        round(record["parts"][part] / 1000) for part in ("read the review", "answer")
    )
    return _FLOOR.format(
        bare=_BARE,
        reading=reading,
        answer=answer,
        least=_BARE + reading + answer,
        whole=f"{record['counts']['commands'] / 1000:,.0f}",
        server=f"{record['floor'] / 1000:,.0f}",
        rows="\n".join(rows),
    )


def _by_sample(key: str) -> dict[str, str]:
    return {f"{kind}, {shape}": f"{key}, {kind}, {shape}" for kind in KINDS for shape in SHAPES}


def _table(title: str, rows: dict[str, str], figures: Figures, names: list[str]) -> str:
    lines = [f"| {title} | {' | '.join(names)} |", f"|---|{'---:|' * len(names)}"]
    for label, key in rows.items():
        cells = (_cell(figures[key][name]) for name in names)
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(values: list[float]) -> str:
    if not values:
        return ""
    middle = statistics.median(values)
    if len(values) < 3:
        return f"{middle:,.3g}" if middle < 10 else f"{middle:,.0f}"
    low, _, high = statistics.quantiles(values, n=4)
    return " ".join([_number(middle), f"[{_number(low)} to {_number(high)}]"])


def _number(value: float) -> str:
    return f"{value:,.2f}" if value < 10 else f"{value:,.0f}"


def _goals(figures: Figures) -> str:
    """Hold the figures against the goals; CPU is compared, for it does not wait for the client."""
    main, left_alone = f"{MAIN[1]}, {MAIN[0]}", f"opted out, {MAIN[0]}"
    lines = ["| goal | figure | |", "|---|---:|---|"]
    for kind, least in ((main, 0.24), (left_alone, 0.35)):
        share = _ratio(figures, f"cpu, {kind}", LIMIT)
        lines.append(_goal(f"{kind}: at least {least} of {LIMIT}", share, met=share >= least))
    for peer in (NAIVE, PEER):
        if figures["start"].get(peer):
            worst = min(_ratio(figures, key, peer) for key in figures if key.startswith("cpu"))
            lines.append(_goal(f"every review: cheaper than {peer}", worst, met=worst > 1))
    if figures["start"].get(PEER):
        times = _ratio(figures, f"cpu, {main}", PEER)
        lines.append(_goal(f"{main}: at least 4 times cheaper than {PEER}", times, met=times >= 4))
    for label, key, most in (
        ("p99 at half load under 5 ms", "half load p99", 5),
        ("Rss under 70 MB", "Rss", 70),
        ("ready in under 500 ms", "start", 500),
    ):
        value = statistics.median(figures[key][OURS])
        lines.append(_goal(label, value, met=value < most))
    return "\n".join(lines)


def _ratio(figures: Figures, key: str, other: str) -> float:
    return statistics.median(figures[key][other]) / statistics.median(figures[key][OURS])


def _goal(label: str, value: float, *, met: bool) -> str:
    return f"| {label} | {_number(value)} | {'met' if met else 'missed'} |"


def _made_on() -> str:
    return (
        f"Measured on {os.cpu_count()} CPUs, Linux {platform.release().split('-')[0]}, "
        f"{platform.machine()}, {platform.python_implementation()} {platform.python_version()}. "
        f"The load average at its end was {os.getloadavg()[0]:.1f}; the benchmark alone makes 2."
    )
