"""Write `expected.json` of the named cases, or of all, from what the code does now."""

import sys

from tests.cases.load import cases, shown
from tests.unit.core.pipeline import mutate


def write(names: list[str]) -> int:
    """Say which files changed: `git diff tests/cases` then shows how."""
    known = {case.name: case for case in cases()}
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.stderr.write(f"no such case: {', '.join(unknown)}\n")
        return 1
    for name in names or known:
        case = known[name]
        outcome = mutate(case.pod, case.world)
        if case.expected != shown(outcome):
            case.expect(outcome)
            sys.stdout.write(f"{name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(write(sys.argv[1:]))
