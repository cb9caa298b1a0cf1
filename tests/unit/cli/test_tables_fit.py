"""On a terminal of 80 columns every table fits, and no number is broken."""

import io
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from webhook.cli import output
from webhook.cli.audit import print_audit, print_reaped
from webhook.cli.leaks import rows as leaks
from webhook.cli.main import app

CLI = Path(__file__).resolve().parents[3] / "webhook" / "cli"
LONG = "Deployment/a-service-with-a-long-name-as-people-have-them"
COUNTS = {"pods", "wrapped", "skipped", "unresolved", "missed"}
TABLES: dict[str, tuple[tuple[str, ...], set[str]]] = {
    "audit": (tuple(map(str, print_audit._HEAD)), COUNTS),
    "audit --reaped": (tuple(print_reaped._HEAD), set(print_reaped._NUMBERS)),
    "audit --what-if": (("workload", "container", "result", "note"), set()),
    "inject --report": (("file", "object", "container", "result", "note"), set()),
    "leaks": (tuple(leaks.leaks([]).head), set(leaks.leaks([]).numbers)),
    "leaks, deaf": (tuple(leaks.deaf([]).head), set(leaks.deaf([]).numbers)),
}
words = st.text("abc-/ …é漢", min_size=0, max_size=120)


def drawn(head: tuple[str, ...], rows: list[list[str]], numbers: set[str], width: int) -> str:
    console = Console(
        file=io.StringIO(), force_terminal=True, width=width, color_system=None, highlight=False
    )
    output.table(console, head, rows, numbers=numbers)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def widest(console_text: str) -> int:
    return max(Console().measure(line).maximum for line in console_text.splitlines())


@pytest.mark.parametrize("name", TABLES)
def test_a_commands_table_fits(name: str) -> None:
    head, numbers = TABLES[name]
    long = {"PIDs used": "18,211 of the node's 32,768"}
    row = [long.get(each, "18,211") if each in numbers else LONG for each in head]
    said = drawn(head, [row, row], numbers, 80)
    assert widest(said) <= 80
    assert said.count("18,211") == 2 * len(numbers)  # none is broken
    for each in head:
        assert each in said


@given(st.lists(st.tuples(words, words, words, words), min_size=1, max_size=5))
def test_whatever_is_in_it_it_fits_and_loses_no_letter(
    rows: list[tuple[str, str, str, str]],
) -> None:
    given_rows = [[*row[:2], "1,234", *row[2:]] for row in rows]
    said = drawn(("who", "what", "count", "more", "note"), given_rows, {"count"}, 80)
    assert widest(said) <= 80
    letters = [each for row in rows for cell in row for each in cell if not each.isspace()]
    assert all(said.count(each) >= letters.count(each) for each in set(letters))


def test_what_fits_is_one_line_a_row() -> None:
    said = drawn(("who", "count", "note"), [["a", "1", "fine"], ["b", "22", ""]], {"count"}, 80)
    assert said.splitlines() == ["who  count  note", "a        1  fine", "b       22"]


def test_a_note_that_does_not_fit_goes_below() -> None:
    said = drawn(("who", "count", "note"), [["a", "1", "word " * 20]], {"count"}, 40)
    first, second, *rest = said.splitlines()
    assert (first, second) == ("who  count", "a        1")
    assert rest[0].startswith("    note: word word")


def test_on_a_screen_too_narrow_for_any_table_no_letter_is_lost() -> None:
    said = drawn(("who", "what"), [["x" * 50, "y" * 50]], set(), 5)
    assert (said.count("x"), said.count("y")) == (50, 50)


def test_every_table_is_printed_by_the_one_function() -> None:
    found = [file.parent.name for file in CLI.rglob("*.py") if "import Table" in file.read_text()]
    assert found in ([], ["demo"])  # which sets its own stage
    calls = sum(file.read_text().count("output.table(") for file in CLI.rglob("*.py"))
    assert calls == len(TABLES)  # leaks' two from one place, and the demo's


def test_a_report_on_a_terminal_fits(tmp_path: Path) -> None:
    container = '{name: application-server, image: "registry.example.com/team/application:1"}'
    manifest = tmp_path / "deploy.yaml"
    manifest.write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a-pod-with-a-rather-long-name}\n"
        f"spec: {{containers: [{container}]}}\n"
    )
    result = CliRunner().invoke(
        app,
        ["inject", "--report", "-f", str(manifest)],
        env={"COLUMNS": "80", "FORCE_COLOR": "1", "TERM": "xterm", "NO_COLOR": ""},
    )
    plain = re.sub(r"\x1b\[[\d;]*m", "", result.stdout)
    assert "note: " in plain
    assert widest(plain) <= 80
