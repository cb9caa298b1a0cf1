"""Measure load and faults, and write both into docs/reliability.md: `make faults`.

Exits with 1 if a pod was lost or rejected. With names, only the faults whose names contain one of
them are tried, their rows are printed, and nothing is written.
"""

import sys
import tempfile
import time
from pathlib import Path

from tests import leftovers, tables
from tests.integration.controlplane.assets import Missing
from tests.integration.faults import report
from tests.integration.faults.faults import FAULTS, Fault
from tests.integration.faults.measure import measure
from tests.integration.faults.stage import ROOT, stage
from tests.integration.faults.trial import Trial, try_fault

RATE = 40  # pods a second around each fault
LOAD_SECONDS = 8.0


def main(names: list[str]) -> int:
    """Run everything, or what is named."""
    wanted = [each for each in FAULTS if not names or any(part in each.name for part in names)]
    able = [each for each in wanted if not _obstacle(each)]
    for fault in wanted:
        if fault not in able:
            print(f"left out: {fault.name}: {_obstacle(fault)}", flush=True)
    with tempfile.TemporaryDirectory() as folder, stage(Path(folder)) as on:
        measured = [] if names else measure(on, seconds=LOAD_SECONDS)
        if measured:
            print(report.load_table(measured), flush=True)
        trials = []
        for fault in able:
            start = time.monotonic()
            trials.append(try_fault(on, fault, rate=RATE))
            print(f"{_said(trials[-1])} [{time.monotonic() - start:.0f} s]", flush=True)
    if names:
        print(report.fault_table(trials))
    else:
        tables.write_between_marks("load", f"{report.load_table(measured)}\n\n{report.machine()}")
        tables.write_between_marks("faults", report.fault_table(trials))
        report.draw(measured, trials)
    return int(any(each.lost or each.rejected for each in trials))


def _obstacle(fault: Fault) -> str:
    """Say what a fault lacks here, or nothing."""
    if fault.root and not ROOT:
        return "needs root"
    if fault.needs and not fault.needs.exists():
        return f"needs {fault.needs}: apt-get install libfaketime"
    return ""


def _said(trial: Trial) -> str:
    return (
        f"{trial.fault.name}: {trial.stored} pods, {trial.lost} lost, {trial.rejected} rejected, "
        f"{trial.unwrapped} un-wrapped, {trial.partly} with one container left, "
        f"for {trial.seconds:.1f} s. {dict(trial.figures.failed) or ''} {trial.remark}"
    )


if __name__ == "__main__":
    leftovers.end_with_this_process()
    try:
        sys.exit(main(sys.argv[1:]))
    except Missing as missing:
        sys.exit(f"make faults {missing}")
