"""The command against the API server simulator, by a kubeconfig, as a person runs it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.fakes.api_server import serving
from tests.fakes.cluster import Cluster
from webhook.cli.main import app


def kubeconfig(path: Path, server: str) -> Path:
    path.write_text(
        json.dumps(
            {
                "clusters": [{"name": "c", "cluster": {"server": server}}],
                "users": [{"name": "u", "user": {"token": "good"}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )
    return path


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def cluster() -> Cluster:
    """A cluster with the webhook and one opted-in namespace, shop."""
    made = Cluster()
    made.install()
    made.settings(RUNTIME_CLASSES="wasm*")
    made.namespace("shop")
    made.namespace("other", {})
    return made


@pytest.fixture
def audit(cluster: Cluster, tmp_path: Path) -> Iterator[Callable[..., Result]]:
    """Run `initshim audit` with these words; `stdin` answers its questions."""
    with serving(cluster.server) as url:
        config = kubeconfig(tmp_path / "kubeconfig", url)

        def run(*words: str, stdin: str | None = None) -> Result:
            arguments = ["audit", "--kubeconfig", str(config), *words]
            return CliRunner().invoke(app, arguments, input=stdin)

        yield run


@pytest.fixture
def data(audit: Callable[..., Result]) -> Callable[..., Any]:
    """Run it, and give what it says as JSON."""

    def run(*words: str) -> Any:
        result = audit("-o", "json", *words)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return run
