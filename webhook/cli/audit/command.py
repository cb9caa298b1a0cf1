"""`initshim audit`: the command."""

import asyncio
import sys
from enum import StrEnum
from pathlib import Path

import click

from webhook.cli import output
from webhook.cli.audit.run import Request, run
from webhook.cli.cluster import connection_to
from webhook.cli.output import OutputFormat, WrongUsage
from webhook.cli.parameters import NAMESPACE, OneOf, cluster_options, output_option
from webhook.core.errors import InitshimError

_NAMESPACE = "Audit this namespace only. Repeatable."
_OUTPUT = "text, json or yaml."
_FAIL_ON = "Exit with 3 if pods are missed, unresolved, skipped or stuck: name one. Repeatable."
_RESTART = "Restart the Deployments, StatefulSets and DaemonSets of missed pods, after asking."
_YES = "Don't ask before --restart."
_WHAT_IF = "Show what labelling this namespace would do to each of its workloads."
_REAPED = "Rank workloads by the zombies that their reapers have reaped (execs `cat` in each pod)."
_LOOKUP = "Ask registries what images run, where only that tells missed from rightly left alone."


class FailOn(StrEnum):
    """States of pods that a script may not want to see."""

    MISSED = "missed"
    UNRESOLVED = "unresolved"
    SKIPPED = "skipped"
    STUCK = "stuck"


@click.command()
@click.option("--namespace", "-n", type=NAMESPACE, multiple=True, metavar="NAME", help=_NAMESPACE)
@output_option(OutputFormat.TEXT, _OUTPUT)
@click.option("--fail-on", type=OneOf(FailOn), multiple=True, metavar="STATE", help=_FAIL_ON)
@click.option("--restart", is_flag=True, help=_RESTART)
@click.option("--yes", "-y", is_flag=True, help=_YES)
@click.option("--what-if", type=NAMESPACE, metavar="NAMESPACE", help=_WHAT_IF)
@click.option("--reaped", is_flag=True, help=_REAPED)
@click.option("--lookup/--no-lookup", default=True, help=_LOOKUP)
@cluster_options
def audit(  # noqa: PLR0913  # an option is an argument to click
    *,
    namespace: tuple[str, ...],
    output_format: OutputFormat,
    fail_on: tuple[FailOn, ...],
    restart: bool,
    yes: bool,
    what_if: str | None,
    reaped: bool,
    lookup: bool,
    kubeconfig: Path | None,
    context: str | None,
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
        namespace,
        output_format,
        frozenset(fail_on),
        restart,
        yes,
        what_if,
        reaped,
        lookup,
    )
    try:
        _check(request)
        connection = connection_to(kubeconfig, context)
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
