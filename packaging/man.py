#!/usr/bin/env python3
"""Write the manual's pages, one a command, from what `--help` is made of: packaging/man/*.1."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

import initshim
from webhook.cli.main import app

FOLDER = Path(__file__).parent / "man"
LEFT_OUT = frozenset({"demo"})  # a command of the checkout
_SEE = "The pages of its commands; initshim's site, https://github.com/initshim/initshim"


def pages() -> dict[str, str]:
    """Give file name → page, for the command line itself and for each of its commands."""
    context = click.Context(app, info_name="initshim")
    names = [name for name in app.list_commands(context) if name not in LEFT_OUT]
    written = {"initshim.1": _page("initshim", app, context, names)}
    for name in names:
        command = _command(context, name)
        inner = click.Context(command, info_name=name, parent=context)
        written[f"initshim-{name}.1"] = _page(f"initshim-{name}", command, inner, ())
    return written


def _page(
    title: str, command: click.Command, context: click.Context, commands: list[str] | tuple[()]
) -> str:
    lines = [
        f'.TH {_plain(title.upper())} 1 "" "initshim {initshim.__version__}" "initshim"',
        ".SH NAME",
        f"{_plain(title)} \\- {_plain(_first(command))}",
        ".SH SYNOPSIS",
        f".B {_plain(context.command_path)}",
        _plain(" ".join(command.collect_usage_pieces(context))),
        ".SH DESCRIPTION",
        *_prose(command.help or ""),
        ".SH OPTIONS",
        *_options(command, context),
    ]
    if commands:
        lines += [".SH COMMANDS", *_commands(context, commands)]
    lines += [".SH SEE ALSO", _plain(_SEE)]
    return "\n".join(lines) + "\n"


def _command(context: click.Context, name: str) -> click.Command:
    command = app.get_command(context, name)
    if command is None:
        raise LookupError(name)
    return command


def _first(command: click.Command) -> str:
    return (command.help or "").strip().split("\n\n")[0].replace("\n", " ").rstrip(".")


def _prose(text: str) -> Iterator[str]:
    """Write paragraphs; those that keep their lines, as click has it, keep them."""
    for paragraph in text.strip().split("\n\n"):
        lines = [line.strip() for line in paragraph.splitlines()]
        kept = lines[0] == "\b"
        yield ".PP"
        yield from [".nf", *map(_plain, lines[1:]), ".fi"] if kept else map(_plain, lines)


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record:
            yield ".TP"
            yield f".B {_plain(record[0])}"
            yield _plain(" ".join(record[1].split()))


def _commands(context: click.Context, names: list[str] | tuple[()]) -> Iterator[str]:
    for name in names:
        command = _command(context, name)
        yield ".TP"
        yield f".B {_plain(name)}"
        yield _plain(_first(command))


def _plain(text: str) -> str:
    """Escape what roff would read as its own."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    escaped = "".join(each if each.isascii() else f"\\[u{ord(each):04X}]" for each in escaped)
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def main() -> None:
    """Write the pages; with --check write nothing, and name those that are stale."""
    stale = []
    FOLDER.mkdir(exist_ok=True)
    for name, page in pages().items():
        file = FOLDER / name
        if not file.exists() or file.read_text() != page:
            stale.append(name)
            if "--check" not in sys.argv:
                file.write_text(page)
    for name in stale:
        print(f"{'stale' if '--check' in sys.argv else 'wrote'}: packaging/man/{name}")
    sys.exit(bool(stale) and "--check" in sys.argv)


if __name__ == "__main__":
    main()
