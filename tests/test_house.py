"""The house keeps its own rules."""

import ast
import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path
from typing import TypeGuard

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]

# What webhook/core may use: nothing here opens, asks, waits, draws lots or writes a log.
PURE_MODULES = frozenset(
    {
        "base64", "collections.abc", "contextlib", "dataclasses", "enum", "fnmatch", "functools",
        "hashlib", "json", "msgspec", "posixpath", "re", "shlex", "typing",
        "initshim.grammar", "webhook.core",
    }
)  # fmt: skip
IMPURE_BUILTINS = frozenset(
    {"__import__", "breakpoint", "compile", "eval", "exec", "input", "open", "print"}
)


def test_imports_run_one_way(tmp_path: Path) -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    if not linter.exists():
        pytest.skip("needs import-linter: make lint installs it")
    done = subprocess.run(
        [linter, "--cache-dir", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_dependency_has_its_reason_in_the_readme() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    readme = (ROOT / "README.md").read_text().lower()
    wanted = chain(project["dependencies"], *project["optional-dependencies"].values())
    names = {Requirement(each).name for each in wanted}
    names.discard(project["name"])  # an extra may name another
    missing = {name for name in names if f"`{name}`" not in readme}
    assert not missing


def impurities(source: str) -> set[str]:
    """Give every import and builtin in a source that is not on the list."""
    used = (node.id for node in ast.walk(ast.parse(source)) if is_used(node))
    builtins = {f"builtins.{name}" for name in used if name in IMPURE_BUILTINS}
    return {name for name in imported(source) | builtins if not is_pure(name)}


def imported(source: str) -> set[str]:
    """Give every module that a source imports, and every name with its module's."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found |= {f"{module}.{name.name}" for name in node.names}
    return found


def is_used(node: ast.AST) -> TypeGuard[ast.Name]:
    """A name that is read; a field of a struct may be called `exec`, as the API's is."""
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)


def is_pure(name: str) -> bool:
    return any(name == pure or name.startswith(f"{pure}.") for pure in PURE_MODULES)


def test_core_is_pure() -> None:
    """By what it may import: a list of what it may not would always lack something."""
    core = ROOT / "webhook" / "core"
    assert {
        file.name: found for file in core.rglob("*.py") if (found := impurities(file.read_text()))
    } == {}


def test_an_impure_core_would_be_found() -> None:
    for line in (
        "import tempfile",
        "import urllib.request",
        "import os.path",
        "from multiprocessing import Process",
        "from yaml import safe_load",
        "from cryptography import x509",
        "import collections",
        "from . import somewhere",
        "def read():\n    import socket",
        "from webhook.oci import images",
        "open('/etc/passwd')",
        "__import__('socket')",
    ):
        assert impurities(line), line
    for line in (
        "import re",
        "from collections.abc import Mapping",
        "from webhook.core import argv",
    ):
        assert not impurities(line), line


def test_core_imports_nothing_that_is_not_needed() -> None:
    """A module that no file of core imports any more leaves the list."""
    text = "".join(file.read_text() for file in (ROOT / "webhook" / "core").glob("*.py"))
    unused = {
        name
        for name in PURE_MODULES - {"msgspec"}
        if f"import {name}" not in text
        and f"from {name}" not in text
        and f"from {name.rpartition('.')[0]} import {name.rpartition('.')[2]}" not in text
    }
    assert not unused


DECISIONS = sorted((ROOT / "docs" / "adr").glob("0*.md"))


@pytest.mark.parametrize("file", DECISIONS[1:], ids=lambda file: file.stem[:4])
def test_a_decision_is_numbered_dated_and_in_the_index(file: Path) -> None:
    text = file.read_text()
    title = re.match(r"# (\d+)\. (.+)\n", text)
    state = re.search(
        r"^(\d{4}-\d\d-\d\d) · (proposed|accepted|replaced by .+)$", text, re.MULTILINE
    )
    assert title
    assert state
    assert f"{int(title[1]):04}" == file.stem[:4]
    assert {"## Context", "## Decision", "## Consequences"} <= set(text.splitlines())
    row = f"| {title[1]} | [{title[2]}]({file.name}) | {state[1]} | {state[2]} |"
    assert row in (file.parent / "index.md").read_text().splitlines(), f"add it: {row}"


def test_no_two_decisions_have_one_number() -> None:
    assert len({file.stem[:4] for file in DECISIONS}) == len(DECISIONS)


def imported_test_modules(source: str) -> set[str]:
    """Give every test module that a source imports, or imports something from."""
    return {name for name in imported(source) if re.search(r"(^|\.)test_\w+(\.|$)", name)}


def test_no_module_imports_from_a_test_module() -> None:
    """What two of them share stands beside them, where it is looked for."""
    files = (ROOT / "tests").rglob("*.py")
    found = {
        str(file.relative_to(ROOT)): names
        for file in files
        if (names := imported_test_modules(file.read_text()))
    }
    assert found == {}


def test_an_import_from_a_test_module_would_be_found() -> None:
    for line in (
        "import tests.chart.test_values",
        "from tests.chart.test_values import problem",
        "from tests.chart import test_values",
        "from .test_values import problem",
        "from . import test_values as values",
        "def later():\n    from tests.chart.test_values import problem",
    ):
        assert imported_test_modules(line), line
    for line in ("from tests.chart.render import text", "from tests.latest_news import one"):
        assert not imported_test_modules(line), line
