"""What commands print: rich where a terminal is there, plain text else, or JSON and YAML.

Colours honour NO_COLOR and FORCE_COLOR (rich does). Data goes to standard output, words about
it to standard error, so that the one can be piped while a person reads the other.
"""

import contextlib
import json
import os
import sys
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NoReturn

import click

from webhook.core.errors import InitshimError

# Rich is imported where a console or a table is asked for: it takes longer than most commands.
if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_GAP = "   "
_DIFF_STYLES = (("---", "bold"), ("+++", "bold"), ("@@", "cyan"), ("+", "green"), ("-", "red"))


class CantWrite(InitshimError):
    """A result could not be written; the message says where."""


class WrongUsage(InitshimError):
    """Options that don't go together; exit code 2, as for every command line that is wrong."""


class OutputFormat(StrEnum):
    """How results are printed."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"


def stdout() -> "Console":
    """A console on standard output that never guesses at words to highlight."""
    from rich.console import Console  # noqa: PLC0415

    return Console(highlight=False, soft_wrap=True)


def stderr() -> "Console":
    """A console on standard error."""
    from rich.console import Console  # noqa: PLC0415

    return Console(highlight=False, soft_wrap=True, stderr=True)


def dumps(data: Any, output_format: OutputFormat) -> str:
    """Write data as JSON or YAML, with a line break at the end."""
    if output_format is OutputFormat.YAML:
        import yaml  # noqa: PLC0415

        return yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=2**16)
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def table(
    console: "Console",
    head: Sequence[str],
    rows: Sequence[Sequence["Text | str"]],
    *,
    numbers: Collection[str] = (),
) -> None:
    """Print a table: as wide as a terminal is, aligned columns under capitals else.

    The columns named in `numbers` are aligned to the right.
    """
    if console.quiet:
        return
    if console.is_terminal:
        from webhook.cli.drawn_table import draw  # noqa: PLC0415

        draw(console, head, rows, numbers=numbers)
        return
    lines = [[name.upper() for name in head], *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (
            cell.rjust(width) if name in numbers else cell.ljust(width)
            for name, cell, width in zip(head, line, widths, strict=True)
        )
        write(_GAP.join(cells).rstrip() + "\n")


def counted(count: int, what: str) -> str:
    """Say how many: `1 pod`, `1,234 pods`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def outcome(name: str) -> "Text":
    """Colour what became of a container: wrapped is green, a reason is yellow."""
    from rich.text import Text  # noqa: PLC0415

    return Text(name, "green" if name == "wrapped" else "yellow")


def diff(console: "Console", lines: Iterable[str]) -> None:
    """Print a unified diff; on a terminal what came is green and what went is red."""
    for line in () if console.quiet else lines:
        if console.is_terminal:
            style = next((style for sign, style in _DIFF_STYLES if line.startswith(sign)), "")
            console.print(line.rstrip("\r\n"), style=style, markup=False)
        else:
            write(line)


def write(text: str) -> None:
    """Put a text on standard output, byte for byte; half of a surrogate pair becomes a ?.

    Raises CantWrite. A reader that has gone away stays a BrokenPipeError, which ends the command.
    """
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode(errors="replace"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        give_up_stdout()
        raise CantWrite(f"standard output can't be written: {error.strerror or error}") from error


def give_up_stdout() -> None:
    """Send what is left in the buffer nowhere: Python would try again at exit, and end with 120."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def sentence(error: InitshimError) -> str:
    """Give an error in one line: what is wrong, and what to do next."""
    return f"{error}. {error.next_step}" if error.next_step else str(error)


def print_errors(command: str, errors: Iterable[InitshimError]) -> None:
    """Say on standard error what is wrong and what to do next, a line for each error."""
    from rich.text import Text  # noqa: PLC0415

    console = stderr()
    for error in errors:
        said = Text.assemble((f"initshim {command}: ", "bold"), str(error))
        if error.next_step:
            said.append(f". {error.next_step}")
        console.print(said)


def fail(command: str, *errors: InitshimError) -> NoReturn:
    """Print the errors and end with 1; a wrong command line ends as click's own errors do."""
    for error in errors:
        if isinstance(error, WrongUsage):
            raise click.UsageError(sentence(error), click.get_current_context(silent=True))
    print_errors(command, errors)
    sys.exit(1)
