"""What the settings ask for reaches those who ask registries."""

from typing import Any

import pytest

from webhook.assembly.lookup_options import lookup_options
from webhook.oci.options import Options
from webhook.settings import Settings


def made_of(**settings: Any) -> Options:
    return lookup_options(Settings(**settings))


def test_a_lookup_goes_on_after_its_review_gave_up() -> None:
    for seconds in (1.0, 8.0):
        assert made_of(lookup_seconds=seconds).times.lookup > seconds


@pytest.mark.parametrize(
    ("setting", "value", "read"),
    [
        ("cache_failure_seconds", 77.0, lambda options: options.times.failure),
        ("cache_tag_seconds", 77.0, lambda options: options.fresh),
        ("cache_stale_seconds", 7777.0, lambda options: options.usable),
        ("cache_entries", 77, lambda options: options.entries),
        ("lookups_per_registry", 7, lambda options: options.per_host),
    ],
)
def test_a_setting_has_its_place(setting: str, value: float, read: Any) -> None:
    assert read(made_of(**{setting: value})) == value
