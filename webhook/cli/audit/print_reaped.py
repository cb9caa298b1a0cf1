"""Ask the reapers through the API server's exec, and print the ranking."""

from collections.abc import Sequence

from webhook.cli import output
from webhook.cli.audit.reaped import COMMAND, Count, Read, problems, ranked, ranking_data
from webhook.cli.output import OutputFormat
from webhook.kube.connect import Connection
from webhook.kube.errors import NoCluster, NotStarted
from webhook.kube.objects import POD, Ref

_HEAD = ("namespace", "workload", "container", "pods", "reaped", "per hour", "most in")
_NUMBERS = ("pods", "reaped", "per hour")


def reader(connection: Connection) -> Read:
    """Give what reads a PID 1's name. Raises NoCluster where the extra `cli` is missing."""
    try:
        from webhook.kube.exec import exec_in  # noqa: PLC0415 - see docs/adr/0003
    except ModuleNotFoundError as error:
        raise NoCluster(
            f"To exec in containers, the module {error.name} is missing",
            next_step="pip install 'initshim[cli]'",
        ) from error

    async def read(namespace: str, pod: str, container: str) -> str:
        ran = await exec_in(connection, Ref(POD, pod, namespace), container, COMMAND)
        if ran.code in {126, 127}:  # a runtime that reports it as a shell does
            raise NotStarted(ran.stderr)
        return ran.stdout

    return read


def print_counts(counts: Sequence[Count], output_format: OutputFormat) -> None:
    """Print who reaped most, and who could not be asked. Raises CantWrite."""
    leaks, unasked = ranked(counts), problems(counts)
    if output_format is not OutputFormat.TEXT:
        output.write(output.dumps(ranking_data(leaks, unasked), output_format))
        return
    rows = [
        [
            each.workload.namespace,
            str(each.workload),
            each.container,
            str(each.pods),
            f"{each.reaped:,}",
            f"{each.per_hour:,.1f}",
            each.worst if each.reaped else "",
        ]
        for each in leaks
    ]
    if rows:
        output.table(output.stdout(), _HEAD, rows, numbers=_NUMBERS)
        output.write("\n")
    asked = sum(each.pods for each in leaks)
    total = sum(each.reaped for each in leaks)
    wrapped = output.counted(len(counts), "wrapped container")
    output.write(f"{output.counted(total, 'zombie')} reaped in {asked:,} of {wrapped}.\n")
    console = output.stderr()
    for line in unasked:
        console.print(f"initshim audit: {line}", markup=False)
