"""`initshim entrypoint`: what was found, from where, as whom; on failure the remedy."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.api_server import ApiServer, serving
from tests.fakes.lookups import Clock, RecordingObserver
from tests.fakes.pull_secrets import SECRET, Cluster, pull_secret
from tests.fakes.registry import Registry, basic, config_bytes
from tests.integration.registry.registries import in_thread
from tests.leftovers import mark
from webhook.cli.entrypoint import caller_of, failure, pod_in
from webhook.core.errors import BadManifest, PlatformsDisagree, RateLimited, Unauthorized
from webhook.kube.pullsecrets import PullSecrets

pytestmark = pytest.mark.slow  # it starts programs


@pytest.fixture
def registry() -> Iterator[tuple[str, Registry]]:
    served = Registry()
    with in_thread(served) as host:
        yield host.authority, served


def run(
    folder: Path, authority: str, *args: str, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    file = folder / "registries.json"
    entry = {"plainHTTP": True, "addresses": "127.0.0.0/8"}
    file.write_text(json.dumps({authority: entry}))
    script = "from webhook.cli.entrypoint import entrypoint; entrypoint()"
    return subprocess.run(
        [sys.executable, "-c", script, *args],
        capture_output=True,
        text=True,
        input=stdin,
        check=False,
        env={
            "INITSHIM_REGISTRIES_FILE": str(file),
            "HOME": str(folder),
            "PATH": "/usr/bin:/bin",
            "NO_COLOR": "1",
            **mark(),
        },
    )


def test_it_prints_what_the_image_runs_and_how_that_is_known(
    tmp_path: Path, registry: tuple[str, Registry]
) -> None:
    authority, served = registry
    config = config_bytes(["/app"], ["a b", "$HOME"])
    digest = served.push_index("team/app", "v1", {"amd64": config, "arm64": config})
    done = run(tmp_path, authority, f"{authority}/team/app:v1")
    assert done.returncode == 0, done.stderr
    shown = dict(line.split(None, 1) for line in done.stdout.splitlines())
    assert shown["runs"] == "'/app' 'a b' '$HOME'"
    assert shown["digest"] == digest
    assert shown["registry"] == authority
    assert shown["credential"] == "anonymous"
    assert float(shown["seconds"]) < 60
    done = run(tmp_path, authority, f"{authority}/team/app:v1", "-o", "json")
    assert json.loads(done.stdout)["cmd"] == ["a b", "$HOME"]


def test_a_failure_names_the_reason_and_the_remedy(
    tmp_path: Path, registry: tuple[str, Registry]
) -> None:
    authority, served = registry
    served.gate = basic("robot:pw")
    done = run(tmp_path, authority, f"{authority}/team/app:v1")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Reason: unauthorized." in done.stderr
    assert "imagePullSecrets" in done.stderr
    assert "initshim.dev/entrypoint.CONTAINER" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pod_chooses_the_architecture_also_without_a_cluster(
    tmp_path: Path, registry: tuple[str, Registry]
) -> None:
    authority, served = registry
    served.push_index(
        "app", "v1", {"amd64": config_bytes(["/app"]), "arm64": config_bytes(["/arm"])}
    )
    template = {
        "spec": {
            "nodeSelector": {"kubernetes.io/arch": "arm64"},
            "containers": [{"name": "c", "image": "x"}],
        }
    }
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": template}}
    stdin = json.dumps(deployment)
    done = run(tmp_path, authority, f"{authority}/app:v1", "--as-pod", "-", stdin=stdin)
    assert done.returncode == 0, done.stderr
    assert "'/arm'" in done.stdout
    assert "without pull secrets" in done.stderr
    done = run(tmp_path, authority, f"{authority}/app:v1")
    assert "Reason: platforms-disagree." in done.stderr


def test_a_pods_secrets_are_read_from_the_cluster_of_the_kubeconfig(
    tmp_path: Path, registry: tuple[str, Registry]
) -> None:
    authority, served = registry
    served.push("team/app", "v1", config_bytes(["/app"]))
    served.gate = basic(f"robot:{SECRET}")
    spec = {"containers": [{"name": "c"}], "imagePullSecrets": [{"name": "pull"}]}
    stdin = json.dumps({"kind": "Pod", "metadata": {"name": "p"}, "spec": spec})
    asked = (f"{authority}/team/app:v1", "--as-pod", "-", "-n", "team")
    api = ApiServer()
    api.put("/api/v1/namespaces/team/serviceaccounts/default", {})
    api.put("/api/v1/namespaces/team/secrets/pull", pull_secret("robot", authority))
    with serving(api) as url:
        (tmp_path / ".kube").mkdir()
        config = {
            "clusters": [{"name": "c", "cluster": {"server": url}}],
            "users": [{"name": "u", "user": {"token": "good"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        (tmp_path / ".kube" / "config").write_text(json.dumps(config))
        done = run(tmp_path, authority, *asked, stdin=stdin)
        api.delete("/api/v1/namespaces/team/secrets/pull")
        without = run(tmp_path, authority, *asked, stdin=stdin)
    assert done.returncode == 0, done.stderr
    shown = dict(line.split(None, 1) for line in done.stdout.splitlines())
    assert (shown["runs"], shown["credential"]) == ("'/app'", "secret team/pull")
    assert without.returncode == 1
    said = "initshim entrypoint: pull secret skipped (kind: secret, namespace: team, name: pull,"
    assert said in without.stderr
    assert "Reason: unauthorized." in without.stderr


@pytest.mark.parametrize("image", ["Not An Image", "", "a@b"])
def test_what_is_no_image_is_said(
    tmp_path: Path, registry: tuple[str, Registry], image: str
) -> None:
    done = run(tmp_path, registry[0], image)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is no image reference" in done.stderr


def test_a_manifest_without_a_pod_is_said(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("kind: ConfigMap\n")
    with pytest.raises(BadManifest, match="no pod"):
        pod_in(str(file))


async def test_the_pods_secrets_of_its_namespace_are_used(tmp_path: Path) -> None:
    file = tmp_path / "pod.json"
    spec = {"containers": [{"name": "c"}], "imagePullSecrets": [{"name": "pull"}]}
    file.write_text(json.dumps({"kind": "Pod", "metadata": {"name": "p"}, "spec": spec}))
    cluster = Cluster({"team/pull": pull_secret("robot")})
    secrets = PullSecrets(cluster, clock=Clock(), observer=RecordingObserver())

    caller = await caller_of(pod_in(str(file)), secrets, "team")
    (found,) = caller.keyring.matching("r.example.com/app")
    assert found.source == "secret team/pull"


def test_each_failure_ends_in_what_to_do() -> None:
    sentence = failure(Unauthorized("r.io refused it", next_step="Check the secret."))
    assert sentence.startswith(
        "r.io refused it. Reason: unauthorized. Check the secret. In the pod:"
    )
    assert "kubernetes.io/arch" in failure(PlatformsDisagree("they differ"))
    assert failure(BadManifest("there is no pod")) == "there is no pod."
    assert failure(RateLimited("r.io is full")).startswith("r.io is full. Reason: rate-limited. ")
