"""Every attack, one after the other; the table of neighbours goes to docs/reliability.md.

    python -m tests.attacks [NAME…] [--write]

Ends with 1 where a neighbour felt more than it may (see trial.py). `--write` with names replaces
the rows of these attacks, and leaves the others.
"""

import argparse
import sys

from tests.attacks.catalogue import ATTACKS
from tests.attacks.report import kept_rows, machine, table
from tests.attacks.trial import Outcome, quantile, tried
from tests.tables import write_between_marks


def main() -> int:
    """Try them, print the table, and write it if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="parts of names; all, if none is given")
    parser.add_argument("--write", action="store_true", help="write the table into the page")
    chosen = parser.parse_args()
    outcomes: list[Outcome] = []
    for attack in ATTACKS:
        if not chosen.names or any(part in attack.name for part in chosen.names):
            outcome = tried(attack)
            outcomes.append(outcome)
            print(f"{attack.position}: {attack.name}: {outcome.faults or 'ok'}", flush=True)
            print(
                f"   p99 {outcome.p99:.3f} (twin {quantile(outcome.twin.reviews, 0.99):.3f}) "
                f"probe {outcome.probe:.3f} (twin {max(outcome.twin.probes, default=0.0):.3f}) "
                f"un-wrapped {len(outcome.felt.unwrapped)} (twin {len(outcome.twin.unwrapped)}) "
                f"memory {[each >> 20 for each in outcome.memory]} sent {outcome.sent}",
                flush=True,
            )
        if chosen.write and outcomes:  # after each: a run may be ended early
            kept = kept_rows([each.name for each in ATTACKS]) if chosen.names else {}
            write_between_marks("neighbours", f"{table(outcomes, kept)}\n\n{machine(outcomes)}")
    print(table(outcomes))
    return 1 if any(outcome.faults for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
