"""Plain words mean to us what they mean to kubectl, and what we write means the same to it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.cli.manifest import from_json, from_yaml
from webhook.cli.manifest.render import compact, flow
from webhook.cli.manifest.scalars import resolve, write

TEXTS = st.text() | st.sampled_from(
    ["yes", "n", "0x1F", "1e3", "~", "", "- a", "a: b", "#", "'\"", "1Mi"]
)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("yes", True),
        ("On", True),
        ("n", False),
        ("OFF", False),
        ("true", True),
        ("", None),
        ("~", None),
        ("Null", None),
        ("0644", 420),
        ("0o17", 15),
        ("0x1F", 31),
        ("-0b101", -5),
        ("1_000", 1000),
        ("0", 0),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("12:30:45", "12:30:45"),
        ("2026-11-24", "2026-11-24"),
        ("1Mi", "1Mi"),
        ("089", 89.0),
        ("1.2.3", "1.2.3"),
        ("yEs", "yEs"),
    ],
)
def test_a_plain_word_means_what_it_means_to_kubectl(word: str, value: Any) -> None:
    resolved = resolve(word)
    assert resolved == value
    assert type(resolved) is type(value)


def test_a_number_longer_than_python_converts_stays_a_word() -> None:
    assert resolve("1" * 5000) == "1" * 5000


@given(TEXTS)
def test_whatever_string_is_written_is_read_back(text: str) -> None:
    for line in (f"key: {write(text)}\n", f"key: {flow([text])}\n", f"- {write(text)}\n"):
        read = from_yaml.parse(line)[0].content()
        assert text in (read[0] if isinstance(read, list) else read["key"], *_items(read))


@given(TEXTS)
def test_a_string_in_json_is_read_back_as_json_and_as_yaml(text: str) -> None:
    written = compact([text], (",", ":"))
    assert from_json.parse(written)[0].content() == [text]
    assert from_yaml.parse(written)[0].content() == [text]


def _items(read: Any) -> list[Any]:
    inner = read["key"] if isinstance(read, dict) else read
    return inner if isinstance(inner, list) else []
