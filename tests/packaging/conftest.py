"""What krew gets: the archives of `kubectl initshim`, and its manifest."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """Give archives as packaging/single_file.py makes them, of a program that says it ran."""
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\necho "ran: $*"\n')
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, 'packaging'); "
        "import single_file; single_file.pack(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    dist = tmp_path / "dist"
    dist.mkdir()
    for arch in ("amd64", "arm64"):
        archive = dist / f"kubectl-initshim-linux-{arch}.tar.gz"
        made = [sys.executable, "-c", code, str(program), str(archive)]
        subprocess.run(made, cwd=ROOT, check=True)
    return dist


@pytest.fixture
def manifest(dist: Path) -> dict[str, Any]:
    """Give krew's manifest of these archives, which lies beside them."""
    written = [sys.executable, "packaging/krew.py", "--dist", str(dist)]
    subprocess.run(written, cwd=ROOT, check=True, env={"PYTHONPATH": str(ROOT)})
    read: dict[str, Any] = yaml.safe_load((dist / "initshim.yaml").read_text())
    return read
