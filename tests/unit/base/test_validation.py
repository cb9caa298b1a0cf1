"""Whatever a person writes into a setting, it is answered in plain words."""

import re

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator

from webhook.base.validation import sentence
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
