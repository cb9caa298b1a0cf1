"""The pages that come from the code are what the code says now."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from webhook.core.reasons import MEANINGS, UNRESOLVED, Reason
from webhook.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"


def pages() -> dict[str, Callable[[], str]]:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    found: dict[str, Callable[[], str]] = script.PAGES
    return found


@pytest.mark.parametrize("name", ["configuration.md", "reasons.md"])
def test_the_page_is_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text() == pages()[name](), "run: python docs/generate.py"


def test_every_setting_is_in_the_table_with_its_meaning_and_unit() -> None:
    table = (DOCS / "configuration.md").read_text()
    for name, field in Settings.model_fields.items():
        assert f"| `{name.upper()}` | " in table
        assert field.description
        assert field.description.rstrip().endswith((".", ")"))
        assert not name.endswith("_seconds") or "Seconds." in field.description


def test_every_reason_is_in_the_table_and_who_needs_a_hand_is_told_what_to_do() -> None:
    table = (DOCS / "reasons.md").read_text()
    for reason in Reason:
        assert f"| `{reason}`" in table
        assert MEANINGS[reason].sentence
        assert reason not in UNRESOLVED or MEANINGS[reason].remedy
