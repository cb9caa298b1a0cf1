"""A control plane of each version, and the webhook in front of it.

A test that takes `plane` runs once for each; a worker keeps each for the whole session. Without
the programs the tests are skipped, with the way to get them.
"""

from collections.abc import Iterator

import pytest

from tests.integration.controlplane import assets
from tests.integration.controlplane.plane import ControlPlane, control_plane

HERE = __package__.rpartition(".")[2]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is here, and keep a version's tests on one worker: it starts its plane once."""
    for item in items:
        if f"/integration/{HERE}/" in item.path.as_posix():
            item.add_marker("controlplane")
            chosen = getattr(item, "callspec", None)
            name = chosen.params.get("plane") if chosen else None
            item.add_marker(pytest.mark.xdist_group(f"controlplane-{name}"))


@pytest.fixture(scope="session", params=assets.names(), ids=lambda name: f"v{name}")
def plane(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ControlPlane]:
    try:
        assets.find(request.param)
    except assets.Missing as missing:
        pytest.skip(str(missing))
    with control_plane(request.param, tmp_path_factory.mktemp("plane")) as running:
        yield running
