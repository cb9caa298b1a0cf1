"""The command line: one function a command, each in a module of its own."""

from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import initshim

_COMMANDS = {
    "serve": "webhook.cli.serve",
    "inject": "webhook.cli.inject",
    "entrypoint": "webhook.cli.entrypoint",
    "audit": "webhook.cli.audit.command",
    "doctor": "webhook.cli.doctor.command",
    "leaks": "webhook.cli.leaks.command",
    "demo": "webhook.cli.demo.command",
}
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

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the interface's
        """Give a command, or None where there is none of that name."""
        if cmd_name not in _COMMANDS:
            return None
        alone = typer.Typer(**_SETTINGS)
        alone.command(cmd_name)(getattr(import_module(_COMMANDS[cmd_name]), cmd_name))
        return typer.main.get_command(alone)


app = typer.Typer(name="initshim", cls=OnDemand, no_args_is_help=True, **_SETTINGS)


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
