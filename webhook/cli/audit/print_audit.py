"""Print what an audit found: a line a workload, what to do, and the sum; or all of it as data."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.text import Text

from webhook.cli import output
from webhook.cli.audit.basis import Basis
from webhook.cli.audit.compare import State
from webhook.cli.audit.list_pods import Audited, Findings
from webhook.cli.audit.owners import RESTARTED
from webhook.cli.audit.summary import Tally, states, tallies, tasks
from webhook.cli.output import OutputFormat

_STYLES = {State.WRAPPED: "green", State.UNRESOLVED: "yellow", State.MISSED: "red"}
_COLUMNS = (State.WRAPPED, State.SKIPPED, State.UNRESOLVED, State.MISSED)
_HEAD = ("namespace", "workload", "pods", *_COLUMNS, "note")


def print_audit(findings: Findings, basis: Basis, output_format: OutputFormat) -> None:
    """Print the report. Raises CantWrite."""
    counted = tallies(findings.pods)
    if output_format is not OutputFormat.TEXT:
        output.write(output.dumps(audit_data(findings, counted, basis.notes), output_format))
        return
    console = output.stdout()
    if counted:
        rows = [_row(each) for each in counted]
        output.table(console, _HEAD, rows, numbers=("pods", *_COLUMNS))
        output.write("\n")
    _tasks(counted, installed=basis.installed)
    output.write(f"{total(findings, states(counted))}\n")


def total(findings: Findings, counts: Counter[State]) -> str:
    """Say the sum in a sentence."""
    live = counts.total() - counts[State.ENDED]
    where = output.counted(len(findings.namespaces), "opted-in namespace")
    said = f"{output.counted(live, 'pod')} in {where}: " + ", ".join(
        f"{counts[state]:,} {state}" for state in _COLUMNS
    )
    said += f", {counts[State.STUCK]:,} stuck" if counts[State.STUCK] else ""
    return f"{said}; {counts[State.ENDED]:,} ended." if counts[State.ENDED] else f"{said}."


def audit_data(
    findings: Findings, counted: Sequence[Tally], notes: Sequence[str]
) -> dict[str, Any]:
    """Give it as plain values: every workload, every container's outcomes, every pod."""
    return {
        "namespaces": [each.name for each in findings.namespaces],
        "counts": _counts(states(counted)),
        "workloads": [_workload(each) for each in counted],
        "notes": list(notes),
        "problems": [str(each) for each in findings.problems],
    }


def _workload(tally: Tally) -> dict[str, Any]:
    named = tally.workload
    return {
        "namespace": named.namespace,
        "apiVersion": named.version,
        "kind": named.kind,
        "name": named.name,
        "counts": _counts(tally.states),
        "containers": [
            {**asdict(each), "outcome": str(each.outcome), "pods": count}
            for each, count in sorted(tally.outcomes.items(), key=lambda item: item[0].container)
        ],
        "pods": [_pod(each) for each in tally.pods],
    }


def _pod(pod: Audited) -> dict[str, Any]:
    outcomes = {each.container: str(each.outcome) for each in pod.outcomes}
    return {
        "name": pod.name,
        "state": str(pod.state),
        "created": pod.created,
        "containers": outcomes,
    }


def _counts(counts: Counter[State]) -> dict[str, int]:
    return {str(state): counts[state] for state in State}


def _row(tally: Tally) -> list[Text | str]:
    counts: list[Text | str] = [_count(tally.states[state], state) for state in _COLUMNS]
    named = tally.workload
    return [named.namespace, str(named), str(tally.live), *counts, tally.note]


def _count(count: int, state: State) -> Text:
    return Text(str(count), _STYLES.get(state, "") if count else "dim")


def _tasks(counted: Sequence[Tally], *, installed: bool) -> None:
    found = list(tasks(counted, installed=installed))
    if not found:
        return
    output.write("To do\n")
    for task in found:
        remedy = task.remedy.replace("\n", "\n    ")
        output.write(f"  {task.subject}: {task.what}\n    {remedy}\n")
    several = sum(1 for each in counted if restartable(each)) if installed else 0
    if several:
        workloads = output.counted(several, "workload")
        output.write(
            f"  initshim audit --restart restarts {workloads} with missed pods, after asking.\n"
        )
    output.write("\n")


def restartable(tally: Tally) -> bool:
    """Tell whether a rollout restart would bring its missed pods through the webhook."""
    return bool(tally.states[State.MISSED]) and tally.workload.typed in RESTARTED
