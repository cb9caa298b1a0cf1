"""What people can set in charts that they know, and under which name it is here, or why not.

The tables stand in neighbours/: names alone, read from each chart's values.yaml at the commit that
`source` names.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.render import CHART, Strict

TABLES = sorted((Path(__file__).parent / "neighbours").glob("*.yaml"))
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
TEMPLATES = "".join(each.read_text() for each in (CHART / "templates").rglob("*") if each.is_file())
_NAME = re.compile(r"[A-Za-z][\w-]*([.][A-Za-z][\w-]*)*")


@pytest.fixture(params=TABLES, ids=lambda path: path.stem)
def table(request: pytest.FixtureRequest) -> dict[str, Any]:
    read: dict[str, Any] = yaml.load(request.param.read_text(), Strict)  # noqa: S506
    return read


def test_every_chart_that_was_promised_has_its_table() -> None:
    assert [each.stem for each in TABLES] == ["cert-manager", "external-secrets", "kyverno"]


def test_what_is_had_is_a_value_of_ours(table: dict[str, Any]) -> None:
    ours = set(paths(VALUES))
    assert {name: here for name, here in table["had"].items() if here not in ours} == {}


def test_what_is_had_reaches_a_template(table: dict[str, Any]) -> None:
    keys = {here.rpartition(".")[2] for here in table["had"].values()}
    read = re.compile(r"[.](\w+)|\"(\w+)\"")  # .Values.key, or the key in quotes: index, dict
    assert keys - {name or quoted for name, quoted in read.findall(TEMPLATES)} == set()


def test_what_is_not_had_has_a_reason(table: dict[str, Any]) -> None:
    for name, why in table["not"].items():
        assert len(why.split()) >= 3, name
        assert not why.endswith("."), name


def test_a_name_stands_in_one_place(table: dict[str, Any]) -> None:
    had, missing = set(table["had"]), set(table["not"])
    assert all(_NAME.fullmatch(name) for name in had | missing)
    assert had & missing == set()
    within = {name for name in had for other in missing if name.startswith(f"{other}.")}
    assert within == set()


def test_reasons_that_name_a_value_of_ours_name_one_that_is_there(table: dict[str, Any]) -> None:
    ours = set(paths(VALUES))
    named = {
        word
        for why in table["not"].values()
        for word in re.findall(r"\b[a-z]+(?:[A-Z]\w*)?(?:[.][a-z]\w+)+\b", why)
    }
    assert {each for each in named if each.split(".")[0] in VALUES} <= ours


def test_the_source_is_a_commit(table: dict[str, Any]) -> None:
    commit = re.search(r"/blob/([0-9a-f]{40})/", table["source"])
    assert commit
    assert commit[1][:12] in table["version"]


def paths(values: dict[str, Any], before: str = "") -> Iterator[str]:
    """Give the path of every value, groups as well."""
    for key, value in values.items():
        yield f"{before}{key}"
        if isinstance(value, dict):
            yield from paths(value, f"{before}{key}.")
