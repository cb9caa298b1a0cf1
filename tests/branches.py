"""Tell which share of the branches the tests take: `python -m tests.branches REPORT [--partial]`.

REPORT is what `coverage json` wrote. coverage's own floor is for lines and branches together, of
which there are more lines; here the same floor holds for the branches alone, unless the run was a
part of the tests.
"""

import json
import math
import sys
import tomllib
from pathlib import Path

_PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


def floor() -> float:
    """Give the least percentage that will do."""
    report = tomllib.loads(_PYPROJECT.read_text())["tool"]["coverage"]["report"]
    return float(report["fail_under"])


def main(report: Path, *, partial: bool) -> int:
    """Print the share; give 1 where it is below the floor, as coverage gives 2."""
    totals = json.loads(report.read_text())["totals"]
    taken, branches = totals["covered_branches"], totals["num_branches"]
    share = 100 * taken / branches if branches else 100.0
    shown = math.floor(share * 10) / 10  # never rounded up to the floor
    print(f"branches alone: {shown:.1f} %, {taken:,} of {branches:,} (floor {floor():g})")
    return 0 if partial or share >= floor() else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), partial="--partial" in sys.argv[2:]))
