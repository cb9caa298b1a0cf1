#!/usr/bin/env python3
"""Write what the chart's values.yaml already says: its schema, its README's tables, deploy/.

    python charts/generate.py [--check] [--helm PATH]

A key's comment is its documentation; a comment line `@schema {…}` is merged into its schema; a
line `@schema-of MODULE` takes what the schema of that module's `schema()` says of entries; a line
`## Title` begins a section. A mapping with a comment of its own is one value, a mapping
without is a group. With --check nothing is written, and stale files are named.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import policy
import yaml

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "charts" / "initshim"
BEGIN, END = "<!-- values: written by charts/generate.py -->", "<!-- end of values -->"
TYPES = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}
# Helm's own labels would tell Helm, wrongly, that plain manifests are a release of its.
HELMS_OWN = ("helm.sh/chart:", "app.kubernetes.io/managed-by:")

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Value:
    """One documented value: where it is, what it is by default, what is said about it."""

    path: tuple[str, ...]
    default: Any
    text: str
    extra: Schema
    section: str

    @property
    def schema(self) -> Schema:
        """Its JSON schema; the type is the default's unless the comment says otherwise."""
        kind = self.extra.get("type") or TYPES[type(self.default)]  # null says no type
        base: Schema = {"type": kind, "description": self.text}
        if isinstance(self.default, list):
            base["items"] = {"type": "string"}
        return base | self.extra


def values(text: str) -> list[Value]:
    """Read every value of values.yaml; raise ValueError for one without a comment."""
    root = yaml.compose(text)
    if not isinstance(root, yaml.MappingNode):
        raise TypeError("values.yaml is no mapping")
    return list(_walk(root, yaml.safe_load(text), text.splitlines(), ()))


def _walk(
    node: yaml.MappingNode, plain: Mapping[str, Any], lines: list[str], path: tuple[str, ...]
) -> Iterator[Value]:
    for key, child in node.value:
        here, default = (*path, key.value), plain[key.value]
        comment = _comment(lines, key)
        if comment:
            said = [line for line in comment if not line.startswith("@schema")]
            extra: Schema = {}
            for line in comment:
                if line.startswith("@schema "):
                    extra |= json.loads(line.removeprefix("@schema "))
                elif line.startswith("@schema-of "):
                    read = import_module(line.removeprefix("@schema-of "))
                    extra["additionalProperties"] = read.schema()["additionalProperties"]
            yield Value(here, default, " ".join(said), extra, _section(lines, key))
        elif isinstance(default, dict) and default:
            yield from _walk(child, default, lines, here)
        else:
            raise ValueError(f"{'.'.join(here)} has no comment")


def _comment(lines: list[str], key: yaml.Node) -> list[str]:
    found: list[str] = []
    indent = " " * key.start_mark.column
    for line in reversed(lines[: key.start_mark.line]):
        if not line.startswith(f"{indent}# "):
            break
        found.insert(0, line.removeprefix(f"{indent}# "))
    return found


def _section(lines: list[str], key: yaml.Node) -> str:
    above = lines[: key.start_mark.line]
    titles = [line.removeprefix("## ") for line in above if line.startswith("## ")]
    return titles[-1] if titles else ""


def schema(found: list[Value]) -> str:
    """Give values.schema.json: nothing unknown is accepted but where a value is open."""
    root: Schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the initshim chart",
        "type": "object",
        "additionalProperties": False,
        # Helm hands a parent chart's globals, other charts' among them, to every chart.
        "properties": {"global": {"type": "object", "properties": {}}},
    }
    for value in found:
        place = root
        for group in value.path[:-1]:
            place = place["properties"].setdefault(
                group, {"type": "object", "additionalProperties": False, "properties": {}}
            )
        place["properties"][value.path[-1]] = value.schema
    return json.dumps(root, indent=2, ensure_ascii=False) + "\n"


def tables(found: list[Value]) -> str:
    """Give the README's part between the markers: a table for each section."""
    parts = [BEGIN]
    for section in dict.fromkeys(value.section for value in found):
        rows = [value for value in found if value.section == section]
        parts += ["", f"### {section}", "", "| value | default | what it does |", "|---|---|---|"]
        for row in rows:
            default = json.dumps(row.default, ensure_ascii=False)
            cells = (f"`{'.'.join(row.path)}`", f"`{default}`", row.text)
            parts.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*parts, "", END])


def readme(old: str, found: list[Value]) -> str:
    """Replace what is between the markers; the rest is written by hand."""
    before, _, rest = old.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + tables(found) + after


def manifests(helm: str, *options: str) -> str:
    """Render the chart with its defaults, but for `options`, without hooks and Helm's labels."""
    command = [helm, "template", "initshim", str(CHART), "--namespace", "initshim", "--no-hooks"]
    done = subprocess.run([*command, *options], check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    head = "# Rendered from charts/initshim by charts/generate.py; change the chart instead.\n"
    kept = [line for line in done.stdout.splitlines() if not line.strip().startswith(HELMS_OWN)]
    return head + "\n".join(kept).strip() + "\n"


def main() -> int:
    """Write the files, or with --check say which are stale."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if stale")
    parser.add_argument("--helm", help="helm's path; without it deploy/ is left as it is")
    chosen = parser.parse_args()
    found = values((CHART / "values.yaml").read_text())
    page = CHART / "README.md"
    keep = partial(_keep, check=chosen.check)
    fresh = keep(CHART / "values.schema.json", schema(found))
    fresh &= keep(page, readme(page.read_text(), found))
    for name, text in policy.templates().items():
        fresh &= keep(CHART / "templates" / name, text)
    if chosen.helm:  # after the schema, by which helm checks the values
        deployed = manifests(chosen.helm, "--kube-version", "1.30.0")
        fresh &= keep(ROOT / "deploy" / "initshim.yaml", deployed)
        alone = manifests(chosen.helm, "--kube-version", "1.36.0", "--set", "engine=policy")
        fresh &= keep(ROOT / "deploy" / "policy.yaml", alone)
    return 0 if fresh else 1


def _keep(file: Path, text: str, *, check: bool) -> bool:
    """Bring a file up to date; under --check say instead, and answer, whether it is."""
    if file.exists() and file.read_text() == text:
        return True
    print(f"{'stale' if check else 'wrote'}: {file.relative_to(ROOT)}")
    if not check:
        file.write_text(text)
    return not check


if __name__ == "__main__":
    sys.exit(main())
