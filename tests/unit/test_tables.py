"""Figures as Markdown."""

from pathlib import Path

import pytest

from tests.tables import table, write_between_marks


def test_a_table_has_a_row_for_each_and_aligns_numbers() -> None:
    assert table(["who", "#count"], [["a", 1], ["b", 22]]) == (
        "| who | count |\n|---|---:|\n| a | 1 |\n| b | 22 |"
    )


def test_a_text_goes_between_its_marks_and_nothing_else_moves(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- x -->\n\nold\n\n<!-- /x -->\nbelow\n")
    write_between_marks("x", "new", page)
    assert page.read_text() == "above\n<!-- x -->\n\nnew\n\n<!-- /x -->\nbelow\n"
    with pytest.raises(ValueError, match="not found"):
        write_between_marks("y", "new", page)
