#!/usr/bin/env python3
"""Make the changelog's *Unreleased* a version, and set that version: the first steps of a release.

    python packaging/cut.py 1.2.3 [--date 2026-11-29]

`make docs` then writes the version wherever else it stands. What can't be a release is refused
before anything is written: a version that is not newer than the last one, or nothing to release.
"""

import argparse
import json
import re
import sys
from datetime import UTC, date, datetime
from pathlib import Path

_VERSION = re.compile(r"(0|[1-9]\d*)[.](0|[1-9]\d*)[.](0|[1-9]\d*)")
_HEAD = re.compile(r"^## \[([^]]+)\](?: - (\d{4}-\d{2}-\d{2}))?$", re.MULTILINE)
_OWN = re.compile(r'^__version__ = "([^"]*)"$', re.MULTILINE)
_UNRELEASED = "## [Unreleased]\n"
_CHANGES = "  artifacthub.io/changes: |\n"
_KINDS = frozenset({"added", "changed", "deprecated", "removed", "fixed", "security"})
_MOST = 20  # what a page of Artifact Hub shows; the changelog has all


class Refused(Exception):
    """It can't be released; the message says why."""


def cut(changelog: str, version: str, day: date) -> str:
    """Give the changelog with the version's section, and an empty *Unreleased* above it."""
    if not _VERSION.fullmatch(version):
        raise Refused(f"{version} is no version: three numbers, no suffix")
    released = [found[1] for found in _HEAD.finditer(changelog) if found[1] != "Unreleased"]
    newest = max(map(_numbers, released), default=(-1,))
    if _numbers(version) <= newest:
        raise Refused(f"{version} is not newer than {'.'.join(map(str, newest))}")
    before, found, after = changelog.partition(_UNRELEASED)
    if not found:
        raise Refused("the changelog has no section [Unreleased]")
    entries = _HEAD.split(after, maxsplit=1)[0]
    if not re.search(r"^- ", entries, re.MULTILINE):
        raise Refused("nothing is listed in [Unreleased]")
    return f"{before}{_UNRELEASED}\n## [{version}] - {day.isoformat()}\n{after}"


def changes(changelog: str, version: str) -> str:
    """Give a version's entries as Artifact Hub reads them: a kind, and a first sentence."""
    section = changelog.partition(f"## [{version}]")[2].partition("\n## [")[0]
    kind, found = "changed", []
    for line in re.sub(r"\n +", " ", section).splitlines():  # an entry goes on below its first line
        heading = line.removeprefix("### ").lower()
        if heading in _KINDS:
            kind = heading
        elif line.startswith("- "):
            said = re.sub(r" \(\[[^]]*\]\([^)]*\)\)", "", line.removeprefix("- "))  # an aside
            said = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", said)
            first = re.split(r"(?<=[.;]) ", said, maxsplit=1)[0].rstrip(".:;")
            found.append(
                f"    - kind: {kind}\n      description: {json.dumps(first, ensure_ascii=False)}\n"
            )
    return "".join(found[:_MOST])


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def main() -> None:
    """Write changelog, version and the chart's list of changes, or none of them."""
    options = argparse.ArgumentParser(description="Cut a release.")
    options.add_argument("version")
    options.add_argument("--date", type=date.fromisoformat, default=datetime.now(UTC).date())
    given = options.parse_args()
    log, own = Path("CHANGELOG.md"), Path("initshim/__init__.py")
    chart = Path("charts/initshim/Chart.yaml")
    try:
        written = cut(log.read_text(), given.version, given.date)
    except Refused as refused:
        sys.exit(f"cut: {refused}")
    log.write_text(written)
    before = chart.read_text().partition(_CHANGES)[0]
    chart.write_text(f"{before}{_CHANGES}{changes(written, given.version)}")
    own.write_text(_OWN.sub(f'__version__ = "{given.version}"', own.read_text()))


if __name__ == "__main__":
    main()
