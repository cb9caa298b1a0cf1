"""A control plane of each version, and the webhook in front of it.

A test that takes `plane` runs once for each; a worker keeps each for the whole session. Without
the programs the tests are skipped, with the way to get them.
"""

from collections.abc import Iterator
from itertools import count

import pytest

from tests.integration.controlplane import assets
from tests.integration.controlplane.images import Images
from tests.integration.controlplane.plane import ControlPlane, control_plane
from tests.integration.controlplane.release import Release
from tests.integration.registry.registries import in_thread

HERE = __package__.rpartition(".")[2]
_NUMBERS = count()


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in a hook of the same name
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is here, and keep a file's tests on one worker: what they share is made once."""
    for item in items:
        if f"/integration/{HERE}/" in item.path.as_posix():
            item.add_marker("controlplane")
            chosen = getattr(item, "callspec", None)
            name = chosen.params.get("plane") if chosen else None
            item.add_marker(pytest.mark.xdist_group(f"controlplane-{name}-{item.path.stem}"))


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


@pytest.fixture(scope="session")
def images() -> Images:
    return Images()


@pytest.fixture(scope="session")
def release(plane: ControlPlane, images: Images) -> Iterator[Release]:
    """The chart and its replicas; a test says `release.wants(…)` first."""
    with in_thread(images) as registry:
        running = Release(plane, registry.url)
        yield running
        running.stop()


@pytest.fixture
def name() -> str:
    """A name that no other test has used."""
    return f"t{next(_NUMBERS)}"
