"""The manual's pages: what --help says, readable by man, in every wheel."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "packaging" / "man").glob("*.1"))


def test_they_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "packaging/man.py", "--check"],
        cwd=ROOT, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.stdout, done.returncode) == ("", 0), done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_man_reads_them_without_a_warning(page: Path) -> None:
    assert page.read_text().isascii()
    if not shutil.which("groff"):
        pytest.skip("needs groff: apt-get install groff-base")
    said = subprocess.run(
        ["groff", "-man", "-ww", "-Tascii", "-P-c", str(page)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stderr == ""
    read = re.sub(".\b", "", said.stdout)  # bold is a letter struck twice
    assert "SYNOPSIS" in read
    assert "\\" not in read


def test_wheels_have_them_where_man_looks() -> None:
    hatch = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    shared = hatch["targets"]["wheel"]["shared-data"]
    assert shared == {"packaging/man": "share/man/man1"}
    assert "packaging" in hatch["targets"]["sdist"]["include"]
