"""No option can be in the table and forgotten in the code, or the other way round."""

import re
from pathlib import Path

import pytest

from initshim import build, grammar
from initshim.grammar import OPTIONS, Option, Value

FOLDER = Path(build.__file__).parent


def test_the_declarations_are_those_of_the_header() -> None:
    defined = re.findall(r"^#define (\w+)", grammar.header(), re.MULTILINE)
    declared = re.findall(r"(\w+)$", grammar.declarations(), re.MULTILINE)
    assert declared == defined
    assert len(defined) == len(set(defined))


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_somebody_asks_for_every_option(option: Option) -> None:
    if option.value in (Value.CODE, Value.REWRITE):
        return  # kept in tables of their own: Options.expected, Options.rewrite
    kept = {Value.NONE: "given", Value.TEXT: "text"}.get(option.value, "number")
    asked = f"options.{kept}[{grammar.constant(option)}]"
    assert any(asked in (FOLDER / f"{name}.py").read_text() for name in build.REAPER.modules)


@pytest.mark.parametrize("value", Value, ids=lambda value: value.name)
def test_the_reaper_knows_every_kind_of_value(value: Value) -> None:
    source = (FOLDER / "options.py").read_text()
    assert re.search(rf"(entry\[1\]|kind) == {value.name}_VALUE", source)
