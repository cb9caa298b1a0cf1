"""Figures as Markdown: tables, and the place between two marks of a page where they go."""

from collections.abc import Iterable, Sequence
from pathlib import Path

RELIABILITY = Path(__file__).parents[1] / "docs" / "reliability.md"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Give a table; a column whose name begins with # holds numbers, and is aligned so."""
    lines = [
        line([name.removeprefix("#") for name in head]),
        f"|{'|'.join('---:' if name.startswith('#') else '---' for name in head)}|",
        *map(line, rows),
    ]
    return "\n".join(lines)


def line(cells: Iterable[object]) -> str:
    """Give one row."""
    return f"| {' | '.join(map(str, cells))} |"


def write_between_marks(name: str, content: str, page: Path = RELIABILITY) -> None:
    """Put generated text between `<!-- NAME -->` and `<!-- /NAME -->`. Raises ValueError."""
    start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    text = page.read_text()
    before, rest = text[: text.index(start)], text[text.index(start) :]
    page.write_text(f"{before}{start}\n{content}\n\n{rest[rest.index(end) :]}")
