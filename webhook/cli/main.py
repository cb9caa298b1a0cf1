"""The command line: one function a command, each in a module of its own."""

from typing import Annotated

import typer

import initshim
from webhook.cli.audit.command import audit
from webhook.cli.demo.command import demo
from webhook.cli.doctor.command import doctor
from webhook.cli.entrypoint import entrypoint
from webhook.cli.inject import inject
from webhook.cli.serve import serve

app = typer.Typer(
    name="initshim",
    rich_markup_mode="markdown",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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


app.command()(serve)
app.command()(inject)
app.command()(entrypoint)
app.command()(audit)
app.command()(doctor)
app.command()(demo)
