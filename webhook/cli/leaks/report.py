"""Print what was found: tables for a person, JSON or YAML for a program, a page for a colleague."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Any

from webhook.cli import output
from webhook.cli.audit.owners import Workload
from webhook.cli.leaks import advice, rows
from webhook.cli.leaks.findings import Deaf, Findings, Leak
from webhook.cli.leaks.page import page
from webhook.cli.leaks.pods import WRAPPED
from webhook.cli.output import OutputFormat

Forecasts = Mapping[tuple[Workload, str], str]
"""Of a workload's container "wrapped", or the reason why initshim would leave it alone."""


class ReportFormat(StrEnum):
    """How findings are printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    HTML = "html"


def print_report(
    found: Findings, problems: Sequence[str], output_format: ReportFormat, forecasts: Forecasts
) -> None:
    """Print the findings. Raises CantWrite."""
    data = findings_data(found, problems, forecasts)
    if output_format is ReportFormat.HTML:
        output.write(page(data))
    elif output_format is ReportFormat.TABLE:
        _print_tables(data)
    else:
        output.write(output.dumps(data, OutputFormat(output_format.value)))


def findings_data(found: Findings, problems: Sequence[str], forecasts: Forecasts) -> dict[str, Any]:
    """Give the findings as plain values."""

    def forecast(finding: Leak | Deaf) -> str:
        return forecasts.get((finding.workload, finding.container), WRAPPED)

    return {
        "seconds": found.seconds,
        "containers": found.containers,
        "zombies": found.zombies,
        "leaks": [_leak(each, forecast(each)) for each in found.leaks],
        "deaf": [
            {**_plain(each), "verdict": advice.of_deaf(each, forecast(each))} for each in found.deaf
        ],
        "summary": advice.summary(found),
        "problems": list(problems),
    }


def _leak(leak: Leak, forecast: str) -> dict[str, Any]:
    plain = _plain(leak)
    if leak.room and leak.room.hours is not None:
        plain["room"]["hours"] = round(leak.room.hours, 2)
    return {
        **plain,
        "hourly": round(leak.hourly, 1),
        "commands": dict(leak.commands),
        "mended": advice.mended(leak, forecast),
        "verdict": advice.of_leak(leak, forecast),
    }


def _plain(finding: Leak | Deaf) -> dict[str, Any]:
    plain = asdict(finding)
    workload = finding.workload
    plain["workload"] = {
        "namespace": workload.namespace,
        "kind": workload.kind,
        "name": workload.name,
    }
    return plain


def _print_tables(data: Mapping[str, Any]) -> None:
    for table in (rows.leaks(data["leaks"]), rows.deaf(data["deaf"])):
        if table.rows:
            output.table(output.stdout(), table.head, table.rows, numbers=table.numbers)
            output.write("\n")
    for line in data["summary"]:
        output.write(f"{line}\n")
