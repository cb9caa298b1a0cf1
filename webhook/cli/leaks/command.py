"""`initshim leaks`: the command."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

import initshim
from webhook.cli import output
from webhook.cli.leaks.report import ReportFormat
from webhook.cli.leaks.run import Request, answer
from webhook.core.errors import BadSettings, InitshimError
from webhook.kube.config import load_config
from webhook.kube.connect import Connection
from webhook.settings import environment

IMAGE = f"ghcr.io/initshim/reaper:{initshim.__version__}"

_NAMESPACE = "Tell of the pods of this namespace only. Repeatable."
_NODE = "Look at this node only. Repeatable."
_EXEC = "Look from inside of each container, by exec, where pods on nodes are not allowed."
_WATCH = "Seconds between the two looks: what comes in that time is counted."
_IMAGE = "The reaper's image, which has the census in it."
_PODS_IN = "The namespace of the pods that look at nodes; it must allow hostPID."
_CREATE = "Make that namespace for the time of the look if it isn't there."
_AT_ONCE = "How many nodes are looked at at a time."
_DRY_RUN = "Print the pods that would be made, and make none."
_FAIL = "Exit with 3 if something leaks."
_OUTPUT = "table, json, yaml or html."
_KUBECONFIG = "The kubeconfig file; else $KUBECONFIG, ~/.kube/config, or the pod's own account."
_CONTEXT = "The kubeconfig's context."


def leaks(  # noqa: PLR0913  # an option is an argument to typer
    *,
    namespace: Annotated[
        list[str] | None, typer.Option("--namespace", "-n", metavar="NAME", help=_NAMESPACE)
    ] = None,
    node: Annotated[list[str] | None, typer.Option(metavar="NAME", help=_NODE)] = None,
    by_exec: Annotated[bool, typer.Option("--exec", help=_EXEC)] = False,
    watch: Annotated[int, typer.Option(metavar="SECONDS", min=1, max=3600, help=_WATCH)] = 5,
    image: Annotated[str, typer.Option(metavar="IMAGE", help=_IMAGE)] = IMAGE,
    pods_in: Annotated[str, typer.Option(metavar="NAME", help=_PODS_IN)] = "initshim-leaks",
    create_namespace: Annotated[bool, typer.Option("--create-namespace", help=_CREATE)] = False,
    at_once: Annotated[int, typer.Option(metavar="N", min=1, max=500, help=_AT_ONCE)] = 20,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=_DRY_RUN)] = False,
    fail: Annotated[bool, typer.Option("--fail-on-leaks", help=_FAIL)] = False,
    output_format: Annotated[
        ReportFormat, typer.Option("--output", "-o", help=_OUTPUT)
    ] = ReportFormat.TABLE,
    kubeconfig: Annotated[
        Path | None, typer.Option(metavar="FILE", help=_KUBECONFIG, dir_okay=False)
    ] = None,
    context: Annotated[str | None, typer.Option(metavar="NAME", help=_CONTEXT)] = None,
) -> None:
    """Show which pods leave zombies, how fast, and which programs are deaf to SIGTERM.

    Nothing needs to be installed, and nothing stays: a small pod on each node counts twice and is
    deleted, also on Ctrl-C. With --exec no pod is made.

    - initshim leaks --create-namespace
    - initshim leaks --exec -n shop
    - kubectl initshim leaks --watch 60 -o html > leaks.html

    Exit codes: 0, or 3 where --fail-on-leaks holds; 1 where something could not be looked at; 2 for
    a wrong command line.
    """
    request = Request(
        namespaces=tuple(namespace or ()),
        nodes=tuple(node or ()),
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
        connection = load_config(
            environment(), home=Path.home(), kubeconfig=kubeconfig, context=context
        )
        code = asyncio.run(_until_terminated(connection, request))
    except InitshimError as error:
        output.fail("leaks", error)
    except (KeyboardInterrupt, asyncio.CancelledError):
        output.stderr().print("initshim leaks: stopped; its pods are deleted.", markup=False)
        sys.exit(130)
    sys.exit(code)


def _check(request: Request) -> None:
    if request.by_exec and (request.nodes or request.create_namespace or request.dry_run):
        raise BadSettings(
            "--exec makes no pods: --node, --create-namespace and --dry-run don't go with it"
        )


async def _until_terminated(connection: Connection, request: Request) -> int:
    """Answer; SIGTERM cleans up as Ctrl-C does."""
    task = asyncio.current_task()
    if task:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await answer(connection, request)
