"""Real helm and kubectl as fixtures; a skip that says what is needed where they can't be had."""

from pathlib import Path

import pytest

from tests.chart import tools


@pytest.fixture(scope="session")
def helm() -> Path:
    return _program("helm")


@pytest.fixture(scope="session")
def kubectl() -> Path:
    return _program("kubectl")


def _program(name: str) -> Path:
    try:
        return tools.program(name)
    except tools.Missing as missing:
        pytest.skip(str(missing))
