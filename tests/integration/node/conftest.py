"""The node that `make node` brought up, with initshim installed on it by README's own commands."""

from collections.abc import Iterator
from itertools import count

import pytest

from tests.integration.node import images
from tests.integration.node.cluster import Cluster
from tests.integration.node.node import Node

HERE = __package__.rpartition(".")[2]
_NUMBERS = count()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is here: it needs the node."""
    for item in items:
        if f"/integration/{HERE}/" in item.path.as_posix():
            item.add_marker("node")


@pytest.fixture(scope="session")
def node() -> Node:
    found = Node()
    if not found.running:
        pytest.skip("needs a node: make node (root, Linux and Go)")
    return found


@pytest.fixture(scope="session")
def cluster(node: Node) -> Cluster:
    found = Cluster(node)
    found.install(images.values_file(node.layout))
    return found


@pytest.fixture
def shop(cluster: Cluster) -> Iterator[str]:
    """A namespace that is opted in, gone after the test."""
    yield from cluster.namespace(f"shop{next(_NUMBERS)}", **{"initshim.dev/inject": "enabled"})


@pytest.fixture
def plain(cluster: Cluster) -> Iterator[str]:
    """A namespace that is not."""
    yield from cluster.namespace(f"plain{next(_NUMBERS)}")
