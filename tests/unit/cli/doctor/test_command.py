"""The command as people and machines call it: what it prints, and how it ends."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from tests.leftovers import mark
from tests.unit.cli.doctor.cluster import WEBHOOK, Installed, installed, workload
from webhook.cli.main import app

PATIENCE = 60
pytestmark = pytest.mark.slow  # it starts programs


@pytest.fixture(scope="module")
def cluster() -> Iterator[tuple[Installed, str]]:
    """A cluster with one thing that needs a hand: a private image."""
    with installed(now=datetime.now(UTC)) as (found, url):
        found.server.put(*workload("b", "127.0.0.1:1/private:1"))
        yield found, url


@pytest.fixture
def kubeconfig(cluster: tuple[Installed, str], tmp_path: Path) -> Path:
    file = tmp_path / "config"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": cluster[1]}}],
        "users": [{"name": "me", "user": {}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
    }
    file.write_text(yaml.safe_dump(config))
    return file


def run(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from webhook.cli import start; start()", "doctor", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "NO_COLOR": "1", **mark()},
    )


def test_text_is_one_line_a_finding_and_its_remedy_can_be_pasted(kubeconfig: Path) -> None:
    done = run("--kubeconfig", str(kubeconfig), home=kubeconfig.parent)
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    at = next(at for at, line in enumerate(lines) if "(unauthorized)" in line)
    assert lines[at].startswith("  warning  127.0.0.1:1 (1 container): ")
    assert lines[at + 2].startswith("           Render the chart again")
    assert "--set 'registry.pullSecretNamespaces={shop}'" in lines[at + 2]
    assert "configuration" in lines
    assert lines[-1].endswith(", 1 info, 1 warning")
    quiet = run("--kubeconfig", str(kubeconfig), "-q", home=kubeconfig.parent)
    assert "  ok " not in quiet.stdout
    assert lines[at] in quiet.stdout.splitlines()


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_machines_read_the_same(kubeconfig: Path, form: str) -> None:
    done = run("--kubeconfig", str(kubeconfig), "-o", form, home=kubeconfig.parent)
    assert done.returncode == 1
    data = json.loads(done.stdout) if form == "json" else yaml.safe_load(done.stdout)
    assert data["severity"] == "warning"
    warning = next(each for each in data["findings"] if each["severity"] == "warning")
    assert set(warning) == {"check", "severity", "object", "what", "remedy"}


def test_errors_and_what_could_not_be_checked_have_codes_of_their_own(
    cluster: tuple[Installed, str], kubeconfig: Path, tmp_path: Path
) -> None:
    """Monitoring plugins' convention: 0 ok, 1 warning, 2 critical, 3 unknown."""
    nowhere = run(home=tmp_path)
    assert (nowhere.returncode, nowhere.stdout) == (3, "")
    assert "Name one with --kubeconfig" in nowhere.stderr
    kept = cluster[0].server.objects.pop(WEBHOOK)
    try:
        absent = run("--kubeconfig", str(kubeconfig), home=tmp_path)
    finally:
        cluster[0].server.objects[WEBHOOK] = kept
    assert absent.returncode == 2
    assert "helm install initshim" in absent.stdout
    refused = kubeconfig.parent / "refused"
    refused.write_text(kubeconfig.read_text().replace(cluster[1], "http://127.0.0.1:1"))
    unreachable = run("--kubeconfig", str(refused), home=tmp_path)
    assert unreachable.returncode == 3
    assert "can't be reached" in unreachable.stderr


def test_an_api_server_that_does_not_answer_in_time_is_no_crash(
    cluster: tuple[Installed, str], kubeconfig: Path
) -> None:
    released = threading.Event()
    cluster[0].server.interfere = lambda *_: assert_set(released)
    try:
        words = ["doctor", "--kubeconfig", str(kubeconfig), "--timeout", "1"]
        done = CliRunner().invoke(app, words)
    finally:
        released.set()
        cluster[0].server.interfere = lambda *_: None
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr == "initshim doctor: the API server took more than 1 s.\n"


def assert_set(event: threading.Event) -> None:
    assert event.wait(PATIENCE)
