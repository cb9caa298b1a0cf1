"""Print what was found: tables for a person, JSON or YAML for a program, a page for a colleague."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Any

from rich.console import Console

from webhook.cli import output
from webhook.cli.audit.owners import Workload
from webhook.cli.leaks import advice
from webhook.cli.leaks.findings import Deaf, Findings, Leak
from webhook.cli.leaks.page import page
from webhook.cli.output import OutputFormat

Forecast = Callable[[Workload, str], str]
"""Gives "wrapped", or the reason why initshim would leave a workload's container alone."""

_MOST_COMMANDS = 3
_LEAKS = ("workload", "container", "pods", "zombies", "per hour", "full in", "left by", "verdict")
_DEAF = ("workload", "container", "pods", "program", "each stop", "verdict")


class ReportFormat(StrEnum):
    """How findings are printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    HTML = "html"


def print_report(
    found: Findings, problems: Sequence[str], output_format: ReportFormat, forecast: Forecast
) -> None:
    """Print the findings. Raises CantWrite."""
    if output_format in {ReportFormat.JSON, ReportFormat.YAML}:
        output.write(
            output.dumps(
                findings_data(found, problems, forecast), OutputFormat(output_format.value)
            )
        )
    elif output_format is ReportFormat.HTML:
        output.write(page(findings_data(found, problems, forecast)))
    else:
        _tables(output.stdout(), found, forecast)


def findings_data(found: Findings, problems: Sequence[str], forecast: Forecast) -> dict[str, Any]:
    """Give the findings as plain values."""
    return {
        "seconds": found.seconds,
        "containers": found.containers,
        "zombies": found.zombies,
        "leaks": [
            {
                **_plain(each),
                "hourly": round(each.hourly, 1),
                "full_in": None if each.full_in is None else round(each.full_in, 1),
                "commands": dict(each.commands),
                "mended": advice.mended(each, forecast(each.workload, each.container)),
                "verdict": advice.of_leak(each, forecast(each.workload, each.container)),
            }
            for each in found.leaks
        ],
        "deaf": [
            {
                **_plain(each),
                "verdict": advice.of_deaf(each, forecast(each.workload, each.container)),
            }
            for each in found.deaf
        ],
        "summary": advice.summary(found),
        "problems": list(problems),
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


def _tables(console: Console, found: Findings, forecast: Forecast) -> None:
    if found.leaks:
        rows = [_leak(each, forecast) for each in found.leaks]
        output.table(console, _LEAKS, rows, numbers=("pods", "zombies", "per hour", "full in"))
        output.write("\n")
    if found.deaf:
        rows = [_deaf(each, forecast) for each in found.deaf]
        output.table(console, _DEAF, rows, numbers=("pods", "each stop"))
        output.write("\n")
    for line in advice.summary(found):
        output.write(f"{line}\n")


def _leak(leak: Leak, forecast: Forecast) -> list[str]:
    return [
        f"{leak.workload.namespace} {leak.workload}",
        leak.container,
        f"{leak.pods:,}",
        f"{leak.zombies:,}",
        f"{leak.hourly:,.0f}",
        hours(leak.full_in),
        _commands(leak),
        advice.of_leak(leak, forecast(leak.workload, leak.container)),
    ]


def _deaf(deaf: Deaf, forecast: Forecast) -> list[str]:
    return [
        f"{deaf.workload.namespace} {deaf.workload}",
        deaf.container,
        f"{deaf.pods:,}",
        deaf.program,
        f"{deaf.grace:,} s",
        advice.of_deaf(deaf, forecast(deaf.workload, deaf.container)),
    ]


def _commands(leak: Leak) -> str:
    named = [f"{name} x{count:,}" for name, count in leak.commands[:_MOST_COMMANDS]]
    more = len(leak.commands) - len(named)
    return ", ".join([*named, f"{more} more"] if more else named)


def hours(time: float | None) -> str:
    """Say a time in hours as a person does; "" where it isn't known."""
    if time is None:
        return ""
    if time < 1:
        return f"{max(1, round(time * 60)):,} min"
    return f"{time:,.0f} h" if time < 48 else f"{time / 24:,.0f} days"
