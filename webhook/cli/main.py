"""The command line: one function a command, each in a module of its own."""

import typer

from webhook.cli.serve import serve

app = typer.Typer(
    name="initshim",
    help="docker run --init, for every pod of a Kubernetes namespace.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(serve)
