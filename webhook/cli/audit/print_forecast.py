"""Print what labelling a namespace would do."""

from dataclasses import asdict
from typing import Any

from rich.text import Text

from webhook.cli import output
from webhook.cli.audit.what_if import Forecast, Planned
from webhook.cli.outcomes import WRAPPED
from webhook.cli.output import OutputFormat
from webhook.core.annotations import INJECT, intended


def print_forecast(forecast: Forecast, output_format: OutputFormat) -> None:
    """Print the forecast. Raises CantWrite."""
    if output_format is not OutputFormat.TEXT:
        output.write(output.dumps(forecast_data(forecast), output_format))
        return
    console = output.stdout()
    if forecast.planned:
        rows = [row for each in forecast.planned for row in _rows(each)]
        output.table(console, ["workload", "container", "result", "note"], rows)
        output.write("\n")
    _warnings(forecast)
    output.write(f"{_sum(forecast)}\n{_next(forecast)}\n")


def forecast_data(forecast: Forecast) -> dict[str, Any]:
    """Give it as plain values."""
    return {
        "namespace": forecast.namespace,
        "selected": forecast.selected,
        "workloads": [
            {
                "apiVersion": each.workload.version,
                "kind": each.workload.kind,
                "name": each.workload.name,
                "refused": each.refused,
                "containers": [
                    {**asdict(one), "outcome": str(one.outcome)} for one in each.outcomes
                ],
                "warnings": list(each.warnings),
            }
            for each in forecast.planned
        ],
        "problems": [str(each) for each in forecast.problems],
    }


def _rows(planned: Planned) -> list[list[Text | str]]:
    named = str(planned.workload)
    return [
        [named, each.container, output.outcome(each.outcome), each.remedy or each.why]
        for each in planned.outcomes
    ]


def _warnings(forecast: Forecast) -> None:
    said = [(each, line) for each in forecast.planned for line in each.warnings]
    if said:
        output.write("kubectl would warn\n")
    for each, line in said:
        output.write(f"  {each.workload}: {line}\n")
    refused = [each for each in forecast.planned if each.refused]
    for each in refused:
        output.write(f"  {each.workload}: its pods would be refused (onUnresolved: deny)\n")
    if said:
        output.write("\n")


def _sum(forecast: Forecast) -> str:
    wrapped = sum(one.outcome == WRAPPED for each in forecast.planned for one in each.outcomes)
    workloads = output.counted(len(forecast.planned), "workload")
    containers = output.counted(wrapped, "container")
    return f"{forecast.namespace}: {containers} of {workloads} would be wrapped."


def _next(forecast: Forecast) -> str:
    if forecast.selected == "already":
        return "The namespace is opted in already: new pods are treated so."
    if forecast.selected == "never":
        return (
            "Labelling it would change nothing: the webhook's namespaceSelector leaves this "
            "namespace out (chart: excludeNamespaces, namespaceMatchExpressions, platform)."
        )
    over, before = "", ""
    if forecast.label is not None:
        over = " --overwrite"  # without it kubectl refuses to change a label
        if intended(forecast.label):
            before = f"Its label {INJECT}={forecast.label} says nothing. "
    command = f"kubectl label namespace {forecast.namespace}{over} {INJECT}=enabled"
    return f"{before}{command} turns it on for new pods."
