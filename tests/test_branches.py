"""The floor of `make coverage` holds for the branches alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.branches import floor, main

# Each `if` has two branches, and is taken one way; the loop is taken both ways.
IF = "if word == 'a':\n    print()\n"
LOOP = "for each in word:\n    print()\n"


def report(folder: Path, program: str) -> Path:
    """Measure a program; give coverage's report, as `make coverage` has it written."""
    (folder / "program.py").write_text(program)
    for words in (("run", "--branch", "program.py"), ("json", "--quiet")):
        command = [sys.executable, "-m", "coverage", words[0], "--rcfile=/dev/null", *words[1:]]
        subprocess.run(command, cwd=folder, env={}, check=True, capture_output=True)
    return folder / "coverage.json"


@pytest.mark.parametrize(
    ("ifs", "loops", "said", "code"),
    [
        (0, 1, "branches alone: 100.0 %, 2 of 2 (floor {floor})\n", 0),
        (1, 1, "branches alone: 75.0 %, 3 of 4 (floor {floor})\n", 1),
        (2, 1, "branches alone: 66.6 %, 4 of 6 (floor {floor})\n", 1),
        (0, 0, "branches alone: 100.0 %, 0 of 0 (floor {floor})\n", 0),
    ],
)
def test_it_tells_the_share_and_fails_below_the_floor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ifs: int, loops: int, said: str, code: int
) -> None:
    lines = "x = 1\n" * 100  # of lines and branches together there is more than the floor asks for
    written = report(tmp_path, f"word = 'a'\n{lines}{LOOP * loops}{IF * ifs}")
    assert main(written, partial=False) == code
    assert capsys.readouterr().out == said.format(floor=f"{floor():g}")


def test_a_part_of_the_tests_need_not_reach_the_floor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(report(tmp_path, f"word = 'a'\n{IF}"), partial=True) == 0
    assert "50.0 %, 1 of 2" in capsys.readouterr().out
