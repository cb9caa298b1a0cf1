"""`initshim leaks`: the command."""

import asyncio
import signal
import sys
from pathlib import Path

import click

import initshim
from webhook.cli import output
from webhook.cli.cluster import connection_to
from webhook.cli.leaks.report import ReportFormat
from webhook.cli.leaks.run import Request, answer
from webhook.cli.parameters import (
    NAMESPACE,
    NODE,
    Image,
    Span,
    WholeNumber,
    cluster_options,
    output_option,
)
from webhook.core.errors import InitshimError
from webhook.kube.connect import Connection

IMAGE = f"ghcr.io/initshim/reaper:{initshim.__version__}"

_NAMESPACE = "Tell of the pods of this namespace only. Repeatable."
_NODE = "Look at this node only. Repeatable."
_EXEC = "Look from inside of each container, by exec, where pods on nodes are not allowed."
_WATCH = "The time between the two looks, in which what comes is counted: 30, 90s, 10m, 1h at most."
_IMAGE = "The reaper's image, which has the census in it."
_PODS_IN = "The namespace of the pods that look at nodes; it must allow hostPID."
_CREATE = "Make that namespace for the time of the look if it isn't there."
_AT_ONCE = "How many nodes, or containers by --exec, are looked at at a time."
_DRY_RUN = "Print the pods that would be made, and make none."
_FAIL = "Exit with 3 if something leaks."
_OUTPUT = "table, json, yaml or html."


@click.command()
@click.option("--namespace", "-n", type=NAMESPACE, multiple=True, metavar="NAME", help=_NAMESPACE)
@click.option("--node", type=NODE, multiple=True, metavar="NAME", help=_NODE)
@click.option("--exec", "by_exec", is_flag=True, help=_EXEC)
@click.option("--watch", type=Span(3600), default=5, metavar="DURATION", help=_WATCH)
@click.option("--image", type=Image(), default=IMAGE, metavar="IMAGE", help=_IMAGE)
@click.option("--pods-in", type=NAMESPACE, default="initshim-leaks", metavar="NAME", help=_PODS_IN)
@click.option("--create-namespace", is_flag=True, help=_CREATE)
@click.option("--at-once", type=WholeNumber(1, 500), default=20, metavar="N", help=_AT_ONCE)
@click.option("--dry-run", is_flag=True, help=_DRY_RUN)
@click.option("--fail-on-leaks", "fail", is_flag=True, help=_FAIL)
@output_option(ReportFormat.TABLE, _OUTPUT)
@cluster_options
def leaks(  # noqa: PLR0913  # an option is an argument to click
    *,
    namespace: tuple[str, ...],
    node: tuple[str, ...],
    by_exec: bool,
    watch: int,
    image: str,
    pods_in: str,
    create_namespace: bool,
    at_once: int,
    dry_run: bool,
    fail: bool,
    output_format: ReportFormat,
    kubeconfig: Path | None,
    context: str | None,
) -> None:
    """Show which pods leave zombies, how fast, and which programs are deaf to SIGTERM.

    Nothing needs to be installed, and nothing stays: a small pod on each node counts twice and is
    deleted, also on Ctrl-C. With --exec no pod is made.

    - initshim leaks --create-namespace
    - initshim leaks --exec -n shop
    - kubectl initshim leaks --watch 10m -o html > leaks.html

    Exit codes: 0, or 3 where --fail-on-leaks holds; 1 where something could not be looked at; 2 for
    a wrong command line.
    """
    request = Request(
        namespaces=namespace,
        nodes=node,
        by_exec=by_exec,
        seconds=watch,
        image=image,
        pods_in=pods_in,
        create_namespace=create_namespace,
        at_once=at_once,
        dry_run=dry_run,
        fail=fail,
        output_format=output_format,
    )
    try:
        _check(request)
        code = asyncio.run(_until_terminated(connection_to(kubeconfig, context), request))
    except InitshimError as error:
        output.fail("leaks", error)
    except (KeyboardInterrupt, asyncio.CancelledError):
        output.stderr().print("initshim leaks: stopped", markup=False)
        sys.exit(130)
    sys.exit(code)


def _check(request: Request) -> None:
    if request.by_exec and (request.nodes or request.create_namespace or request.dry_run):
        raise output.WrongUsage(
            "--exec makes no pods: --node, --create-namespace and --dry-run don't go with it"
        )


async def _until_terminated(connection: Connection, request: Request) -> int:
    """Answer; SIGTERM cleans up as Ctrl-C does."""
    loop = asyncio.get_running_loop()
    answering = loop.create_task(answer(connection, request))
    loop.add_signal_handler(signal.SIGTERM, answering.cancel)
    return await answering
