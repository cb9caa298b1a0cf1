"""Which modules are put on trial, and before which tests."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Room:
    """`files` are globs below the root. A room's tests run its code in their own process.

    `pages` are tests that compare with a room's tables what is written from them: they notice a
    change there although they run no line of it.
    """

    files: tuple[str, ...]
    tests: tuple[str, ...]
    pages: tuple[str, ...] = ()

    def modules(self) -> dict[str, Path]:
        """Give the room's modules by name."""
        found = sorted(file for glob in self.files for file in ROOT.glob(glob))
        return {_name(file): file for file in found if file.stem != "__init__"}


ROOMS = {
    "core": Room(
        ("webhook/core/*.py",),
        ("tests/unit/core", "tests/cases"),
        ("tests/unit/test_docs.py", "tests/docs/test_log_events.py"),
    ),
    # Not the chart's files, which are written from it: they would notice each change, right or not.
    "cel": Room(
        ("webhook/core/cel/*.py",),
        ("tests/unit/core/test_the_policy_in_cel.py",),
        ("tests/unit/test_docs.py",),
    ),
    "admission": Room(
        ("webhook/admission/*.py",), ("tests/unit/admission", "tests/unit/server", "tests/cases")
    ),
    "oci": Room(("webhook/oci/*.py", "webhook/base/*.py"), ("tests/unit/oci", "tests/unit/base")),
    "tls": Room(("webhook/tls/*.py",), ("tests/unit/tls", "tests/unit/assembly")),
}


def _name(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts)
