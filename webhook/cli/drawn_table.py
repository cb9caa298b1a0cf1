"""A table on a terminal: it fits the terminal's width, and words stay whole where they can.

What does not fit beside the rest moves below its row, the last column first: a note is prose, and
a column of twelve letters makes it a ladder. What is left too wide is folded, numbers never.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import zip_longest

from rich.console import Console
from rich.text import Text

_GAP = 2
_INDENT = 4
_NARROWEST = 10
_FEWEST = 2  # columns that stay: who, and what


def draw(
    console: Console,
    head: Sequence[str],
    rows: Sequence[Sequence[Text | str]],
    *,
    numbers: Collection[str],
) -> None:
    """Print it; the columns named in `numbers` are aligned to the right."""
    cells = [[_text(cell) for cell in row] for row in rows]
    names = [Text(name, "bold") for name in head]
    natural = [max(each.cell_len for each in column) for column in zip(names, *cells, strict=True)]
    kept = _fitting(head, natural, numbers, console.width)
    below = [at for at in range(len(head)) if at not in kept]
    widths = _narrowed([natural[at] for at in kept], [head[at] in numbers for at in kept], console)
    right = [head[at] in numbers for at in kept]
    for row in (names, *cells):
        for line in _lines(console, [row[at] for at in kept], widths, right):
            console.print(line, soft_wrap=True)
        for at in below if row is not names else ():
            for line in _below(console, head[at], row[at]):
                console.print(line, soft_wrap=True)


def _text(cell: Text | str) -> Text:
    return cell if isinstance(cell, Text) else Text(cell)


def _taken(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _fitting(
    head: Sequence[str], widths: Sequence[int], numbers: Collection[str], width: int
) -> list[int]:
    """Choose the columns that stay beside each other.

    Prose goes first, from the right; then, as long as folding would not do, the widest column.
    """
    kept = list(range(len(head)))
    while _taken([widths[at] for at in kept]) > width and len(kept) > _FEWEST:
        if head[kept[-1]] not in numbers:
            kept.pop()
        elif _taken([_least(head[at], widths[at], numbers) for at in kept]) > width:
            kept.remove(max(kept[_FEWEST:], key=lambda at: widths[at]))
        else:
            break
    return kept


def _least(name: str, width: int, numbers: Collection[str]) -> int:
    return width if name in numbers else min(width, _NARROWEST)


def _narrowed(widths: Sequence[int], number: Sequence[bool], console: Console) -> list[int]:
    """Take from the widest column of text, time and again, what is too much."""
    narrowed = list(widths)
    texts = [at for at, is_number in enumerate(number) if not is_number]
    while _taken(narrowed) > console.width:
        widest = max(texts, key=lambda at: narrowed[at])
        if narrowed[widest] <= _NARROWEST:
            break
        narrowed[widest] -= 1
    return narrowed


def _lines(
    console: Console, cells: Sequence[Text], widths: Sequence[int], right: Sequence[bool]
) -> Iterator[Text]:
    folded = [
        list(cell.wrap(console, width, overflow="fold"))
        for cell, width in zip(cells, widths, strict=True)
    ]
    for parts in zip_longest(*folded, fillvalue=Text()):
        line = Text()
        for part, width, to_the_right in zip(parts, widths, right, strict=True):
            part.rstrip()
            space = " " * (width - part.cell_len)
            line.append(space) if to_the_right else None
            line.append_text(part)
            line.append(" " * _GAP if to_the_right else space + " " * _GAP)
        line.rstrip()
        yield line


def _below(console: Console, name: str, cell: Text) -> Iterator[Text]:
    if not cell.plain:
        return
    said = Text.assemble((f"{name}: ", "dim"), cell)
    for line in said.wrap(console, console.width - _INDENT, overflow="fold"):
        line.rstrip()
        yield Text(" " * _INDENT).append_text(line)
