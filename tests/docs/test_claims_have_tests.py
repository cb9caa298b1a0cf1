"""No threat without its test: each row of the security page's table names what holds it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
TABLE = PAGE.partition("## Threats")[2].partition("\n## ")[0]
ROWS = [line.strip("| ").split(" | ") for line in TABLE.splitlines() if line.startswith("| ")][1:]


def test_the_table_was_found() -> None:
    assert len(ROWS) > 10


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])
def test_every_row_of_the_threat_table_names_a_test_that_exists(row: list[str]) -> None:
    assert len(row) == 3
    named = re.findall(r"\]\(\.\./(tests/[^)]+)\)", row[2])
    assert named
    for each in named:
        content = (ROOT / each).read_text()
        is_test = re.search(r"^(async )?def test_", content, re.MULTILINE)
        is_attack = re.search(r"^@attacks\(", content, re.MULTILINE)
        assert is_test or is_attack or each.startswith("tests/cases/"), each
