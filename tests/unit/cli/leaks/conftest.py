"""The census' executable, a cluster with nodes, and the command as a person runs it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from initshim import build, targets
from tests.fakes.api_server import serving
from tests.fakes.cluster import Cluster
from tests.fakes.nodes import Nodes
from tests.unit.cli.audit.conftest import kubeconfig
from webhook.cli.main import app


@pytest.fixture(scope="session")
def census(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The census for this machine, built as it ships."""
    program = build.PROGRAMS["initshim-census"]
    return build.build(targets.this_machine(), tmp_path_factory.mktemp("census"), program)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def nodes(cluster: Cluster, census: Path) -> Nodes:
    return Nodes(cluster.server, census)


@pytest.fixture
def config(cluster: Cluster, tmp_path: Path) -> Iterator[Path]:
    """A kubeconfig for the cluster."""
    with serving(cluster.server) as url:
        yield kubeconfig(tmp_path / "kubeconfig", url)


@pytest.fixture
def leaks(config: Path) -> Callable[..., Result]:
    """Run `initshim leaks` with these words."""

    def run(*words: str) -> Result:
        arguments = ["leaks", "--kubeconfig", str(config), "--watch", "1", *words]
        return CliRunner().invoke(app, arguments)

    return run
