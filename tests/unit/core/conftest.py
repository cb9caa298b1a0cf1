"""How long the laws are searched: a moment by default, minutes under `make fuzz`.

`make fuzz` sets HYPOTHESIS_PROFILE=long and runs what is marked so: here, all that is generated.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

default = settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("default", default)
settings.register_profile("long", default, max_examples=2000, derandomize=False)
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "default")
settings.load_profile(PROFILE)

GENERATED = ("test_laws", "test_patch", "test_expansion", "test_bad_input")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if PROFILE == "long" and item.path.stem in GENERATED and "/core/" in item.path.as_posix():
            item.add_marker("long")
