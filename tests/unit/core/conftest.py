"""`make fuzz` searches the laws for minutes and runs what is marked long: here, all generated."""

import os

import pytest

GENERATED = ("test_laws", "test_patch", "test_expansion", "test_bad_input")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    long = os.environ.get("HYPOTHESIS_PROFILE") == "long"
    for item in items:
        if long and item.path.stem in GENERATED and "/core/" in item.path.as_posix():
            item.add_marker("long")
