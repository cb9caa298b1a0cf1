"""What `inject` hands over: manifests, a diff, a report, or files written back."""

import dataclasses
import difflib
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from webhook.cli import output
from webhook.cli.join import anew, joined
from webhook.cli.manifest import files
from webhook.cli.manifest.kinds import LEFT
from webhook.cli.outcomes import WRAPPED
from webhook.cli.output import CantWrite, OutputFormat
from webhook.cli.rewrite import Rewritten
from webhook.core.errors import InitshimError

if TYPE_CHECKING:
    from rich.text import Text


def print_manifests(done: Sequence[Rewritten], output_format: OutputFormat) -> None:
    """Print the manifests as one stream. Raises CantWrite."""
    output.write(joined(done) if output_format is OutputFormat.TEXT else anew(done, output_format))


def print_diff(done: Sequence[Rewritten]) -> None:
    """Print what changed as a unified diff. Raises CantWrite."""
    output.diff(output.stdout(), _diff(done))


def _diff(done: Sequence[Rewritten]) -> Iterator[str]:
    for each in done:
        name = each.manifest.name.lstrip("/")
        lines = difflib.unified_diff(
            _lines(each.manifest.text),
            _lines(each.text),
            f"a/{name}",
            f"b/{name}",
        )
        for line in lines:
            yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    """Divide a text at what git takes for the end of a line, and at nothing else."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def print_report(done: Sequence[Rewritten], output_format: OutputFormat) -> None:
    """Print what became of each container. Raises CantWrite."""
    outcomes = [outcome for each in done for outcome in each.outcomes]
    if output_format is not OutputFormat.TEXT:
        data = [{**dataclasses.asdict(each), "outcome": str(each.outcome)} for each in outcomes]
        output.write(output.dumps(data, output_format))
        return
    rows: list[list[Text | str]] = [
        [each.object, each.container, output.outcome(each.outcome), each.remedy or each.why]
        for each in outcomes
    ]
    head = ["object", "container", "result", "note"]
    if len(done) > 1:
        head.insert(0, "file")
        rows = [[each.file, *row] for each, row in zip(outcomes, rows, strict=True)]
    output.table(output.stdout(), head, rows)


def write_back(done: Sequence[Rewritten]) -> list[InitshimError]:
    """Write changed files back; give what could not be written."""
    wrong: list[InitshimError] = []
    for each in done:
        path = each.manifest.path
        if not each.changed or path is None:
            continue
        try:
            files.replace(path, each.manifest.mark + each.text, each.manifest.encoding)
        except OSError as error:
            wrong.append(CantWrite(f"{path} can't be written: {error.strerror or error}"))
    return wrong


def warn(done: Sequence[Rewritten]) -> None:
    """Say on standard error what was left alone although it needs a hand, or passes unseen."""
    for each in (outcome for rewritten in done for outcome in rewritten.outcomes):
        whole = each.outcome in LEFT
        if each.outcome == WRAPPED or not (each.remedy or whole):
            continue
        what = each.object if whole else f"{each.object}, container {each.container}"
        said = "; ".join(filter(None, (each.why, each.remedy)))
        line = f"initshim inject: {each.file}: {what} is left alone ({each.outcome}): {said}"
        click.echo(line, err=True)
