"""Findings for people and for machines."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from textwrap import wrap
from typing import Any

from rich.console import Console
from rich.text import Text

from webhook.cli import output
from webhook.cli.doctor.finding import Finding, Severity, worst
from webhook.cli.output import OutputFormat
from webhook.core.printable import printable

_STYLES = {
    Severity.OK: "green",
    Severity.INFO: "",
    Severity.UNKNOWN: "magenta",
    Severity.WARNING: "yellow",
    Severity.ERROR: "bold red",
}
_WIDTH = max(map(len, Severity))
_MARGIN = " " * (_WIDTH + 4)
_NARROW = 20  # a terminal that has less room breaks the lines itself


def findings_data(findings: Sequence[Finding], *, server: str) -> dict[str, Any]:
    """Give everything as plain values."""
    return {
        "server": server,
        "severity": worst(findings).value,
        "findings": [
            {
                "check": each.check,
                "severity": each.severity.value,
                "object": each.object,
                "what": each.what,
                "remedy": each.remedy,
            }
            for each in findings
        ],
    }


def print_findings(
    findings: Sequence[Finding], *, server: str, output_format: OutputFormat, quiet: bool
) -> None:
    """Print the findings; a remedy has a line of its own, so that it can be pasted."""
    if output_format is not OutputFormat.TEXT:
        output.write(output.dumps(findings_data(findings, server=server), output_format))
        return
    console = output.stdout()
    shown = [each for each in findings if not quiet or each.severity is not Severity.OK]
    for check, group in groupby(shown, key=lambda each: each.check):
        console.print(Text(check, "bold"))
        for each in group:
            _print(console, each)
    console.print(_summary(findings))


def _print(console: Console, finding: Finding) -> None:
    """Print one: wrapped for a terminal, one line each else; a command is never broken."""
    text = printable(f"{finding.object}: {finding.what}")
    width = max(console.width - len(_MARGIN), _NARROW) if console.is_terminal else 1 << 16
    first, *rest = wrap(text, width, break_long_words=False, break_on_hyphens=False)
    severity = (f"{finding.severity:<{_WIDTH}}", _STYLES[finding.severity])
    console.print(Text.assemble("  ", severity, "  ", first))
    for line in rest:
        console.print(Text(_MARGIN + line))
    for line in finding.remedy.splitlines():
        console.print(Text.assemble(_MARGIN, (printable(line), "bold")))


def _summary(findings: Sequence[Finding]) -> Text:
    counts = Counter(each.severity for each in findings)
    parts = [
        Text(f"{counts[severity]} {_counted(severity, counts[severity])}", _STYLES[severity])
        for severity in Severity
        if counts[severity]
    ]
    return Text(", ").join(parts)


def _counted(severity: Severity, count: int) -> str:
    plural = count > 1 and severity in {Severity.WARNING, Severity.ERROR}
    return f"{severity}s" if plural else severity
