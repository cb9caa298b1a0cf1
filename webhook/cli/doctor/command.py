"""`initshim doctor`: the command."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from webhook.cli import output
from webhook.cli.cluster import connection_to
from webhook.cli.doctor.diagnose import diagnose
from webhook.cli.doctor.finding import COULD_NOT_CHECK, EXIT_CODES, Finding, worst
from webhook.cli.doctor.print_findings import print_findings
from webhook.cli.output import OutputFormat
from webhook.cli.parameters import NAMESPACE, Number, cluster_options, output_option
from webhook.core.errors import InitshimError
from webhook.kube.client import KubeClient
from webhook.kube.connect import Connection
from webhook.settings import load

_NAMESPACE = "Rehearse in this namespace; default: the first one whose pods are asked about."
_WEBHOOK = "Name of the MutatingWebhookConfiguration; default: the one that calls initshim."
_TIMEOUT = "Seconds for everything together."
_RUN_POD = "Also create a pod that runs, and delete it: can a node pull and start the reaper?"
_QUIET = "Leave out what is well."
_OUTPUT = "text, json or yaml."
_CALL_SECONDS = 35.0  # a dry run waits for webhooks, each for 30 seconds at most


@click.command()
@click.option("--namespace", "-n", type=NAMESPACE, metavar="NAME", help=_NAMESPACE)
@click.option("--webhook", metavar="NAME", help=_WEBHOOK)
@cluster_options
@click.option("--timeout", type=Number(1, 3600), default=60, metavar="SECONDS", help=_TIMEOUT)
@click.option("--run-pod", is_flag=True, help=_RUN_POD)
@click.option("--quiet", "-q", is_flag=True, help=_QUIET)
@output_option(OutputFormat.TEXT, _OUTPUT)
def doctor(  # noqa: PLR0913  # an option is an argument to click
    *,
    namespace: str | None,
    webhook: str | None,
    kubeconfig: Path | None,
    context: str | None,
    timeout: float,
    run_pod: bool,
    quiet: bool,
    output_format: OutputFormat,
) -> None:
    """Find out what is wrong with initshim in a cluster, and what to do about it.

    Reads the cluster and creates nothing: its pods are dry runs, but for the one of --run-pod. What
    it may not read it reports as unknown, with the right that is missing.

    Exit code, as monitoring plugins have it: 0 all is well, 1 warnings, 2 errors, 3 something
    could not be checked.
    """
    try:
        connection = connection_to(kubeconfig, context)
        findings = asyncio.run(
            _run(
                connection,
                webhook=webhook,
                namespace=namespace,
                seconds=timeout,
                run_pod=run_pod,
            )
        )
        print_findings(findings, server=connection.server, output_format=output_format, quiet=quiet)
    except TimeoutError:
        click.echo(f"initshim doctor: the API server took more than {timeout:g} s.", err=True)
        sys.exit(COULD_NOT_CHECK)
    except InitshimError as error:
        output.print_errors("doctor", [error])
        sys.exit(COULD_NOT_CHECK)
    sys.exit(EXIT_CODES[worst(findings)])


async def _run(
    connection: Connection,
    *,
    webhook: str | None,
    namespace: str | None,
    seconds: float,
    run_pod: bool,
) -> list[Finding]:
    async with KubeClient(connection, deadline=min(seconds, _CALL_SECONDS)) as client:
        return await diagnose(
            client,
            load(),
            webhook=webhook,
            namespace=namespace,
            seconds=seconds,
            now=datetime.now(UTC),
            run_pod=run_pod,
        )
