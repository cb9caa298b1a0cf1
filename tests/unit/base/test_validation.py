"""Whatever a person writes into a setting, it is answered in plain words."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from webhook.base.validation import sentence, words
from webhook.core.errors import BadSettings
from webhook.settings import Settings, given

PYDANTICS = re.compile(
    r"Input should|unable to parse|Value error|Assertion failed|pydantic|type=|input_|should have|"
    r"should match|Field required|Extra inputs"
)
ODD = ("", " ", "x", "-1", "1.5", "nan", "inf", "-inf", "9" * 5000, "[]", "{}", "\x00", "a,b", "é")


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_a_setting_that_can_not_be_used_is_said_in_plain_words(name: str) -> None:
    for said in filter(None, (_complaint(name, value) for value in ODD)):
        assert not PYDANTICS.search(said), said
        assert "INITSHIM_" in said


def _complaint(name: str, value: str) -> str:
    try:
        given({name: value})
    except BadSettings as error:
        return str(error)
    return ""


class Odd(BaseModel):
    """A model whose errors are of kinds that no file of ours has."""

    at: bytes = Field(default=b"", max_length=1)
    word: str = Field(default="", max_length=1)
    own: str = ""

    @field_validator("own")
    @classmethod
    def _own(cls, value: str) -> str:
        if value:
            raise ValueError("must be empty")
        return value


def test_an_error_of_a_kind_that_is_new_is_not_said_in_pydantics_words() -> None:
    with pytest.raises(ValidationError) as caught:
        Odd.model_validate({"at": 7, "word": "long", "own": "x"})
    said = sentence("bad file", caught.value)
    assert said == "bad file: at: can't be used; word: can't be used; own: must be empty"


class Strict(BaseModel):
    """A model that has one key."""

    model_config = ConfigDict(extra="forbid")

    key: int


class Listed(BaseModel):
    """A model that has entries."""

    entries: list[Strict]


@pytest.mark.parametrize(("prefix", "place"), [("", "entries.1.key"), ("our_", "OUR_ENTRIES")])
def test_an_entry_is_named_by_where_it_stands_and_a_setting_by_its_variable(
    prefix: str, place: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        Listed.model_validate({"entries": [{"key": 1}, {"key": "x"}]})
    said = sentence("bad file", caught.value, prefix=prefix)
    assert said == f"bad file: {place}: must be a whole number"


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (bool, "x", "must be true or false"),
        (bool, [], "must be true or false"),
        (dict[str, str], 7, "must be a mapping"),
        (Mapping[str, str], 7, "must be a mapping"),
        (Strict, 7, "must be a mapping"),
        (Strict, {}, "is needed"),
        (Strict, {"key": 1, "other": 2}, "there is no such key"),
        (Annotated[float, Field(allow_inf_nan=False)], "inf", "must be a number that ends"),
        (float, "x", "must be a number"),
        (float, [], "must be a number"),
        (Annotated[float, Field(gt=0.5)], 0, "must be more than 0.5"),
        (Annotated[float, Field(ge=2)], 0, "must be at least 2"),
        (Annotated[float, Field(lt=0.5)], 7, "must be less than 0.5"),
        (Annotated[float, Field(le=2)], 7, "must be at most 2"),
        (int, 1.5, "must be a whole number"),
        (int, "x", "must be a whole number"),
        (int, [], "must be a whole number"),
        (int, "9" * 5000, "is too large"),
        (tuple[str, ...], 7, "must be a list"),
        (list[str], 7, "must be a list"),
        (Literal["a", "b"], "c", "must be 'a' or 'b'"),
        (Path, 7, "must be a path"),
        (Annotated[str, Field(pattern="^a$")], "b", "is not of the form ^a$"),
        (Annotated[str, Field(min_length=1)], "", "must not be empty"),
        (Annotated[list[str], Field(min_length=1)], [], "must not be empty"),
        (str, 7, "must be a text"),
        (bytes, 7, "can't be used"),
    ],
)
def test_each_kind_of_mistake_has_its_words(kind: Any, value: object, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    assert [words(problem) for problem in caught.value.errors()] == [said]
