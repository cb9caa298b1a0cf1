"""The command line: one function a command, each in a module of its own."""

import errno
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

import initshim
from webhook.base.validation import words

_COMMANDS = {
    "serve": "webhook.cli.serve",
    "inject": "webhook.cli.inject",
    "entrypoint": "webhook.cli.entrypoint",
    "audit": "webhook.cli.audit.command",
    "doctor": "webhook.cli.doctor.command",
    "leaks": "webhook.cli.leaks.command",
}
if find_spec("webhook.cli.demo"):  # a command of the checkout: the wheel is without it
    _COMMANDS["demo"] = "webhook.cli.demo.command"
WRONG_USAGE = 2
UsageError: type[Exception] = typer.BadParameter.__bases__[
    0
]  # click's, which newer typers bring along
_SETTINGS: dict[str, Any] = {
    "rich_markup_mode": "markdown",
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}


class OnDemand(TyperGroup):
    """Imports a command when it is asked for: `serve` keeps in memory only what it needs."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = dict.fromkeys(_COMMANDS)  # type: ignore[assignment]  # for their names

    def main(self, *given: Any, standalone_mode: bool = True, **more: Any) -> Any:
        """Run it; a command line that can't be understood is said as every error is, exit 2."""
        if not standalone_mode:
            return super().main(*given, **{**more, "standalone_mode": False})
        try:
            code = super().main(*given, **{**more, "standalone_mode": False})
        except UsageError as error:
            typer.echo(_said(error), err=True)
            sys.exit(WRONG_USAGE)
        except typer.Abort:
            typer.echo("Aborted.", err=True)
            sys.exit(1)
        except OSError as error:
            if error.errno != errno.EPIPE:
                raise
            sys.exit(1)  # who read the answer has gone away
        sys.exit(code if isinstance(code, int) else 0)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the interface's
        """Give a command, or None where there is none of that name."""
        if cmd_name not in _COMMANDS:
            return None
        alone = typer.Typer(**_SETTINGS)
        alone.command(cmd_name)(getattr(import_module(_COMMANDS[cmd_name]), cmd_name))
        return typer.main.get_command(alone)


app = typer.Typer(name="initshim", cls=OnDemand, no_args_is_help=True, **_SETTINGS)


def _said(error: Any) -> str:
    """Write an error as commands write theirs: who says it, what is wrong, what to do next."""
    context = getattr(error, "ctx", None)
    name = context.command_path if context else "initshim"
    return f"{name}: {_what(error).rstrip('.')}. See {name} --help."


def _what(error: Any) -> str:
    """Say what is wrong; newer typers let pydantic speak, which speaks to programmers."""
    cause, option = error.__cause__, getattr(error, "param", None)
    if not isinstance(cause, ValidationError) or option is None:
        return str(error.format_message())
    named = option.opts[0] if option.opts else option.name
    return f"{named}: " + "; ".join(words(each) for each in cause.errors(include_input=False))


def _version(asked: bool) -> None:  # how typer calls it
    if asked:
        typer.echo(f"initshim {initshim.__version__}")
        raise typer.Exit


@app.callback()
def main(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    """The `docker run --init` that Kubernetes never had: for every pod of a namespace."""
