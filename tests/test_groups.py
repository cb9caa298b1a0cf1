"""What shares a fixture that takes minutes is run by one worker: pytest-xdist's groups work."""

import subprocess
import sys
from pathlib import Path

GROUPED = """
import pytest

@pytest.mark.parametrize("number", range(8))
@pytest.mark.xdist_group("together")
def test_worker(number, worker_id):
    with open("workers", "a") as file:
        file.write(worker_id + "\\n")
"""
CONFTEST = """
import pytest

@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the marks in a hook of the same name
def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.name == "test_late.py":
            item.add_marker(pytest.mark.xdist_group("late"))
"""
LATE = GROUPED.replace('@pytest.mark.xdist_group("together")\n', "").replace("workers", "late")


def test_a_group_is_one_workers(tmp_path: Path) -> None:
    """With pytest 9.2 and pytest-xdist 3.8 the marks are there and nobody goes by them."""
    files = {"test_here.py": GROUPED, "test_late.py": LATE, "conftest.py": CONFTEST}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    words = ["-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", ".", "-n", "2"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "--dist", "loadgroup", "."],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("workers", "late"):
        workers = (tmp_path / name).read_text().split()
        assert (len(workers), len(set(workers))) == (8, 1)
