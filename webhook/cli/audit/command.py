"""`initshim audit`: the command."""

import asyncio
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from webhook.cli import output
from webhook.cli.audit.run import Request, run
from webhook.cli.output import OutputFormat, WrongUsage
from webhook.core.errors import InitshimError
from webhook.kube.config import load_config
from webhook.settings import environment

_NAMESPACE = "Audit this namespace only. Repeatable."
_OUTPUT = "text, json or yaml."
_FAIL_ON = "Exit with 3 if pods are missed, unresolved, skipped or stuck: name one. Repeatable."
_RESTART = "Restart the Deployments, StatefulSets and DaemonSets of missed pods, after asking."
_YES = "Don't ask before --restart."
_WHAT_IF = "Show what labelling this namespace would do to each of its workloads."
_REAPED = "Rank workloads by the zombies that their reapers have reaped (execs `cat` in each pod)."
_LOOKUP = "Ask registries what images run, where only that tells missed from rightly left alone."
_KUBECONFIG = "The kubeconfig file; else $KUBECONFIG, ~/.kube/config, or the pod's own account."
_CONTEXT = "The kubeconfig's context."


class FailOn(StrEnum):
    """States of pods that a script may not want to see."""

    MISSED = "missed"
    UNRESOLVED = "unresolved"
    SKIPPED = "skipped"
    STUCK = "stuck"


def audit(  # noqa: PLR0913  # an option is an argument to typer
    *,
    namespace: Annotated[
        list[str] | None, typer.Option("--namespace", "-n", metavar="NAME", help=_NAMESPACE)
    ] = None,
    output_format: Annotated[
        OutputFormat, typer.Option("--output", "-o", help=_OUTPUT)
    ] = OutputFormat.TEXT,
    fail_on: Annotated[
        list[FailOn] | None, typer.Option("--fail-on", metavar="STATE", help=_FAIL_ON)
    ] = None,
    restart: Annotated[bool, typer.Option("--restart", help=_RESTART)] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=_YES)] = False,
    what_if: Annotated[
        str | None, typer.Option("--what-if", metavar="NAMESPACE", help=_WHAT_IF)
    ] = None,
    reaped: Annotated[bool, typer.Option("--reaped", help=_REAPED)] = False,
    lookup: Annotated[bool, typer.Option("--lookup/--no-lookup", help=_LOOKUP)] = True,
    kubeconfig: Annotated[
        Path | None, typer.Option(metavar="FILE", help=_KUBECONFIG, dir_okay=False)
    ] = None,
    context: Annotated[str | None, typer.Option(metavar="NAME", help=_CONTEXT)] = None,
) -> None:
    """Show which pods of opted-in namespaces run behind the reaper, which don't, and why.

    A pod is *wrapped*, *skipped* for a reason, *unresolved* where nobody could tell what a
    container runs, or *missed*: the webhook would change it but never saw it. Nothing is changed
    in the cluster without --restart.

    - initshim audit
    - kubectl initshim audit -n shop -o json
    - initshim audit --what-if shop
    - initshim audit --fail-on missed

    Exit codes: 0, or 3 where --fail-on holds; 1 where something could not be read or done; 2 for
    a wrong command line.
    """
    request = Request(
        tuple(namespace or ()),
        output_format,
        frozenset(fail_on or ()),
        restart,
        yes,
        what_if,
        reaped,
        lookup,
    )
    try:
        _check(request)
        connection = load_config(
            environment(), home=Path.home(), kubeconfig=kubeconfig, context=context
        )
        code = asyncio.run(run(connection, request))
    except InitshimError as error:
        output.fail("audit", error)
    sys.exit(code)


def _check(request: Request) -> None:
    if request.what_if and (
        request.namespaces or request.restart or request.reaped or request.fail_on
    ):
        raise WrongUsage("--what-if is a question of its own: only --output goes with it")
    if request.reaped and (request.restart or request.fail_on):
        raise WrongUsage("--reaped is a question of its own: --namespace and --output go with it")
