"""The tests of the reaper give the same result however they are started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.reaper.process import shell

ONE = "tests/reaper/test_it_exits_as_its_program_did.py"
CASES = "test_death_by_every_deadly_signal_is_128_more and ordinary and pipes"
STARTS = {
    "nohup …": "trap '' HUP; exec \"$@\"",
    "… &": "trap '' INT QUIT; exec \"$@\"",
    "nohup … &": "trap '' HUP INT QUIT TERM USR1 CHLD; exec \"$@\"",
}


@pytest.mark.usefixtures("elf")
@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_started_with_signals_ignored(start: str, tmp_path: Path) -> None:
    pytest_ = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", CASES]
    pytest_ += ["--basetemp", str(tmp_path / "base"), ONE]
    done = subprocess.run(
        shell(start, *pytest_),
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
