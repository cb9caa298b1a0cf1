"""A change changes one thing; what can't matter is left alone; the list of survivors is true."""

import ast
import difflib
import tomllib

import pytest

from tests.mutants.__main__ import SURVIVORS
from tests.mutants.changes import AT_IMPORT, changed, changes
from tests.mutants.coverage_map import NO_TEST, Map
from tests.mutants.reaper.__main__ import all_changes
from tests.mutants.rooms import ROOMS, Room

SOURCE = '''
"""What it is."""

from typing import Any

LIMIT = 3
NAME = "a sentence of words"
Json = dict[str, Any]
Kind = Literal["a", "b"]
T = TypeVar("T")


def first(numbers: list[int], most: int = 9, name: str | None = None) -> int:
    """Give the first."""
    for number in numbers:
        if number > most or not name:
            continue
        print(number)
        return number + 1
    raise ValueError("nothing is there")
'''


def test_each_change_changes_one_line() -> None:
    before = ast.unparse(ast.parse(SOURCE)).splitlines()
    for change in changes("m", SOURCE):
        after = ast.unparse(changed(SOURCE, change)).splitlines()
        lines = [line for line in difflib.ndiff(before, after) if line[0] in "+-"]
        assert [line[0] for line in lines] in (["-", "+"], ["-"]), change
        compile(changed(SOURCE, change), "m", "exec")


def test_what_is_changed_and_what_is_left_alone() -> None:
    assert [change.name.partition(":")[2] for change in changes("m", SOURCE)] == [
        "module: 3 -> 4",
        "first: 9 -> 10",
        "first: number > most or not name -> number > most and (not name)",
        "first: number > most -> number >= most",
        "first: not name -> name",
        "first: continue -> break",
        "first: print(number) -> nothing",
        "first: return number + 1 -> return None",
        "first: number + 1 -> number - 1",
        "first: 1 -> 2",
        "first: raise ValueError('nothing is there') -> nothing",
    ]


def test_of_a_cast_and_a_check_of_types_the_value_is_changed_and_not_the_type() -> None:
    source = (
        "def f(given: dict[str, object]) -> int:\n"
        "    value = cast('int', given.get('largest', 5))\n"
        "    assert isinstance(given['name'], int | str)\n"
    )
    assert [change.name for change in changes("m", source)] == [
        "m:f: 'largest' -> 'largest?'",
        "m:f: 5 -> 6",
        "m:f: 'name' -> 'name?'",
    ]


def test_changes_that_read_alike_have_names_of_their_own() -> None:
    source = "def f(x: int) -> bool:\n    return x == 0 or x + 0 == 7\n"
    names = [change.name for change in changes("m", source)]
    assert "m:f: 0 -> 1" in names
    assert "m:f: 0 -> 1 (2)" in names
    assert len(set(names)) == len(names)


def test_what_is_made_where_no_test_runs_is_judged_by_all() -> None:
    seconds = {"quick": 0.1, "slow": 9.0, "other": 1.0}
    known = Map(
        seconds,
        {
            "f": {
                1: frozenset({NO_TEST}),
                4: frozenset({"slow", "quick"}),
                7: frozenset({"", "slow"}),
            }
        },
    )
    assert known.fastest_first == ["quick", "other", "slow"]
    assert known.tests("f", 4, (4, 5)) == ["quick", "slow"]
    assert known.tests("f", 5, (4, 5)) == ["quick", "slow"]
    assert known.tests("f", 1, AT_IMPORT) == ["quick", "slow"]
    assert known.tests("f", 7, (7, 7)) == ["slow"]
    assert [line for line in range(9) if known.needs_all("f", line)] == [1, 7]


@pytest.mark.parametrize("room", ROOMS.values(), ids=ROOMS)
def test_a_room_has_modules_and_changes(room: Room) -> None:
    assert any(changes(module, file.read_text()) for module, file in room.modules().items())


def test_every_survivor_that_is_explained_is_a_change_of_today() -> None:
    known = {
        change.name
        for room in ROOMS.values()
        for module, file in room.modules().items()
        for change in changes(module, file.read_text())
    }
    known |= {change.name for change in all_changes()}
    explained = tomllib.loads(SURVIVORS.read_text())["survivor"]
    assert [each["change"] for each in explained if each["change"] not in known] == []
    assert all(len(each["reason"]) > 15 for each in explained)
