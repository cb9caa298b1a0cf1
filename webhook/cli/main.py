"""The command line: one function a command, each in a module of its own."""

import errno
import gc
import inspect
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import click

import initshim
from webhook.cli.output import give_up_stdout

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
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # of help; commands say theirs


class OnDemand(click.Group):
    """Imports a command when it is asked for: each takes the time and the memory that it needs."""

    def main(self, args: Sequence[str] | None = None, *given: Any, **more: Any) -> Any:
        """Run it; a command line that can't be understood is said as every error is, exit 2."""
        try:
            code = self._run(args, *given, **more)
        except OSError as error:
            if error.errno in _FULL:
                click.echo(
                    f"initshim: standard output can't be written: {error.strerror}", err=True
                )
            elif error.errno != errno.EPIPE:  # who read the answer has gone away
                raise
            give_up_stdout()
            code = 1
        sys.exit(code)

    def _run(self, args: Sequence[str] | None, *given: Any, **more: Any) -> int:
        try:
            code = super().main(args, *given, **{**more, "standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message())
            return WRONG_USAGE
        except click.UsageError as error:
            click.echo(_in_one_line(error), err=True)
            return WRONG_USAGE
        except click.Abort:
            click.echo("Aborted.", err=True)
            return 1
        return code if isinstance(code, int) else 0

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the interface's
        """Give the names of the commands, in the order in which a reader needs them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Give a command, or None where there is none of that name."""
        if cmd_name not in _COMMANDS:
            return None
        gc.disable()  # what is imported stays: to look for garbage in it takes a seventh longer
        try:
            command: click.Command = getattr(import_module(_COMMANDS[cmd_name]), cmd_name)
        finally:
            gc.enable()
        command.help = _with_lists(inspect.cleandoc(command.help or ""))
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the command that was meant: click knows only of those that it has imported."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            meant = get_close_matches(args[0], _COMMANDS, n=1)
            if not meant:
                raise
            said = f"{error.format_message()} Did you mean {meant[0]!r}?"
            raise click.UsageError(said, ctx) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; click forgets whose option it is that lacks its value."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            command = self.get_command(ctx, ctx.invoked_subcommand or "")
            if error.ctx is None and command:
                error.ctx = click.Context(command, parent=ctx, info_name=ctx.invoked_subcommand)
            raise


def _with_lists(help_text: str) -> str:
    """Keep the lines of a paragraph that is a list: click would fill them as prose."""
    paragraphs = help_text.split("\n\n")
    return "\n\n".join(
        f"\b\n{each}" if each.lstrip().startswith("- ") else each for each in paragraphs
    )


def _in_one_line(error: click.UsageError) -> str:
    """Write an error as commands write theirs: who says it, what is wrong, what to do next."""
    name = error.ctx.command_path if error.ctx else "initshim"
    said = error.format_message().rstrip(".")
    end = "" if said.endswith("?") else "."
    return f"{name}: {said}{end} See {name} --help."


@click.group("initshim", cls=OnDemand, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(initshim.__version__, prog_name="initshim", message="%(prog)s %(version)s")
def app() -> None:
    """The `docker run --init` that Kubernetes never had: for every pod of a namespace."""
