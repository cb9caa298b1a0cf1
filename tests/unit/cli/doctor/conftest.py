"""A cluster for each test."""

from collections.abc import Iterator

import pytest

from tests.unit.cli.doctor.cluster import installed
from tests.unit.cli.doctor.diagnosis import Served


@pytest.fixture
def cluster() -> Iterator[Served]:
    """Healthy, as deploy/ installs it."""
    with installed() as found:
        yield found
