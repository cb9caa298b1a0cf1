"""How far a long answer is: a bar on standard error, and nothing where that is no terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from webhook.cli import output


class Bar:
    """One line: what is done, how much of it, and a word about it."""

    def __init__(self, drawn: Progress | None) -> None:
        self._drawn = drawn
        self._task = drawn.add_task("", total=None, note="") if drawn else None

    def begin(self, what: str, total: int) -> None:
        """Start anew: `total` steps of something."""
        if self._drawn and self._task is not None:
            self._drawn.reset(self._task, description=what, total=total, note="")

    def step(self, note: str = "") -> None:
        """One step is done."""
        if self._drawn and self._task is not None:
            self._drawn.update(self._task, advance=1, note=note)

    def annotate(self, note: str) -> None:
        """Say how it stands, without a step."""
        if self._drawn and self._task is not None:
            self._drawn.update(self._task, note=note)


@contextmanager
def bar() -> Iterator[Bar]:
    """Draw a bar while the block runs; it is gone afterwards."""
    console = output.stderr()
    if not console.is_terminal:
        yield Bar(None)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, transient=True) as drawn:
        yield Bar(drawn)
