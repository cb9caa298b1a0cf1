"""The whole way: a pod without `command`, its image in the token registry, admitted and run."""

import base64
import json
from pathlib import Path
from typing import Any

import jsonpatch
import pytest

from tests.integration.images.store import Store
from tests.integration.pods.runtime import REAPER, Node
from tests.integration.registry.conftest import Guarded
from tests.integration.registry.registries import PASSWORD, Real
from tests.integration.server.running import Reader, request, webhook
from tests.reaper import need

pytestmark = pytest.mark.xdist_group("podman")


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short path: podman's runroot must not be longer than 50 characters."""
    return tmp_path_factory.mktemp("n")


@pytest.fixture
def node(folder: Path) -> Node:
    need.root()
    for program, package in (("podman", "podman"), ("buildah", "buildah"), ("runc", "runc")):
        need.tool(program, package)
    return Node(folder, need.tool("busybox", "busybox-static"))


def settings(folder: Path, token: Guarded) -> dict[str, Any]:
    """Tell the webhook of the registry, and give it the robot's account."""
    host = {"plainHTTP": True, "addresses": "127.0.0.0/8"}
    entries = {token.real.authority: host, token.tokens.authority: host}
    (folder / "registries.json").write_text(json.dumps(entries))
    auth = base64.b64encode(f"robot:{PASSWORD}".encode()).decode()
    config = {"auths": {f"{token.real.authority}/team": {"auth": auth}}}
    (folder / "config.json").write_text(json.dumps(config))
    return {
        "reaper_image": REAPER,
        "registries_file": folder / "registries.json",
        "docker_config": folder,
        "log_level": "debug",
    }


def push(store: Store, target: str) -> None:
    """Make an image whose program leaves forty orphans and counts the zombies."""
    made = store.run("buildah", "from", "localhost/dollars:1").strip()
    argv = {"entrypoint": ["/witness", "$(HOME)", "$$HOME"], "cmd": ["=leak:40", "=zombies", "$"]}
    flags = [f"--{key}={json.dumps(words)}" for key, words in argv.items()]
    store.run("buildah", "config", *flags, made)
    store.run("buildah", "commit", "--rm", made, "localhost/private:1")
    store.run("podman", "push", "--tls-verify=false", "localhost/private:1", target)


def review(pod: dict[str, Any]) -> bytes:
    resource = {"group": "", "version": "v1", "resource": "pods"}
    asked = {"uid": "1", "operation": "CREATE", "namespace": "default", "resource": resource}
    kind = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
    return json.dumps({**kind, "request": {**asked, "object": pod}}).encode()


def test_a_pod_whose_image_is_private_is_wrapped_and_runs_with_its_exact_argv(
    node: Node, folder: Path, tmp_path: Path, plain: Real, token: Guarded
) -> None:
    store = Store(folder)
    image = f"{token.real.authority}/team/private:1"
    push(store, f"{plain.authority}/team/private:1")
    login = ("--tls-verify=false", "--creds", f"robot:{PASSWORD}")
    store.run("podman", "pull", *login, image)
    spec = {"containers": [{"name": "app", "image": image}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "private"}, "spec": spec}

    with webhook(**settings(tmp_path, token)) as served:
        with served.connect() as connection:
            connection.sendall(request(review(pod)))
            response = Reader(connection).response()
        logged = served.written.getvalue()
    answer = json.loads(response.body)["response"]
    assert answer["allowed"]
    assert "warnings" not in answer
    patched = jsonpatch.apply_patch(pod, json.loads(base64.b64decode(answer["patch"])))
    (app,) = patched["spec"]["containers"]
    assert app["image"] == image  # semantics §2: never changed
    assert app["command"][-4:] == ["--", "/witness", "$$(HOME)", "$$$$HOME"]
    assert app["args"] == ["=leak:40", "=zombies", "$$"]
    ran = node.run(patched)["app"]
    assert ran.exit == 0, ran
    assert ran.zombies == 0
    assert {"argv: $(HOME)", "argv: $$HOME", "argv: $"} <= set(ran.lines)
    # Nothing secret on the way: not the password, not the token, not the header.
    for secret in (PASSWORD, *token.server.issued, base64.b64encode(PASSWORD.encode()).decode()):
        assert secret not in logged + response.body.decode()
