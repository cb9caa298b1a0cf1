"""What is in the images, and that they run as a cluster runs them: no root, nothing writable."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import initshim
from tests.integration.images.store import ROOT, Store

# Building them takes minutes, many where other tests run beside.
pytestmark = [pytest.mark.xdist_group("images"), pytest.mark.timeout(1800)]

Run = Callable[..., subprocess.CompletedProcess[str]]
REVIEW = ROOT / "charts" / "initshim" / "files" / "review.py"


def config(store: Store, image: str) -> dict[str, Any]:
    found = json.loads(store.run("buildah", "inspect", "--type", "image", image))
    inner: dict[str, Any] = found["OCIv1"]["config"]
    return inner


@pytest.fixture
def bundle(store: Store, reaper: str, tmp_path: Path) -> Path:
    """The reaper's image, unpacked for an OCI runtime."""
    store.run("buildah", "push", reaper, f"oci:{tmp_path}/image:latest")
    unpack = ["umoci", "unpack", "--image", f"{tmp_path}/image:latest", str(tmp_path / "bundle")]
    subprocess.run(unpack, capture_output=True, check=True)
    return tmp_path / "bundle"


@pytest.fixture
def runc(bundle: Path) -> Run:
    """Run the image's entrypoint with more words, as the webhook's init container is run."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        file = bundle / "config.json"
        spec = json.loads(file.read_text())
        process = spec["process"]
        process["args"] = [process["args"][0], *words]
        process["terminal"] = False
        process["capabilities"] = {}
        process.pop("rlimits", None)  # a sandbox may not raise them
        spec["root"]["readonly"] = True
        options = ["nosuid", "nodev", "mode=1777", "size=1m"]
        volume = {"destination": "/.initshim", "type": "tmpfs", "source": "tmpfs"}
        spec["mounts"] = [m for m in spec["mounts"] if m["destination"] != "/.initshim"]
        spec["mounts"].append(volume | {"options": options})
        file.write_text(json.dumps(spec))
        command = ["runc", "--root", str(bundle.parent / "runc"), "run", "--bundle", str(bundle)]
        return subprocess.run(
            [*command, f"initshim-test-{bundle.parent.name}"],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )

    return run


def test_the_reapers_image_is_two_small_files(bundle: Path) -> None:
    files = sorted((bundle / "rootfs").iterdir())
    assert [file.name for file in files] == ["census", "init"]
    for file in files:
        assert file.stat().st_mode & 0o777 == 0o555
        assert file.read_bytes()[:4] == b"\x7fELF"
    assert sum(file.stat().st_size for file in files) < 50_000


def test_the_reapers_image_says_how_it_is_run(store: Store, reaper: str) -> None:
    found = config(store, reaper)
    assert found["User"] == "65532:65532"
    assert found["Entrypoint"] == ["/init"]
    assert found["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert found["Labels"]["org.opencontainers.image.version"] == initshim.__version__


def test_the_reaper_runs_under_runc(runc: Run) -> None:
    done = runc("--", "/init", "--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert initshim.__version__ in done.stdout


def test_the_reaper_says_under_runc_that_a_program_is_missing(runc: Run) -> None:
    done = runc("--", "/nowhere")
    assert done.returncode == 127
    assert "/nowhere" in done.stderr


def test_the_reaper_installs_itself_as_in_a_pod(runc: Run) -> None:
    """The init container copies the reaper; semantics §6: it runs the copy once before it ends."""
    done = runc("--install", "/.initshim/init")
    assert done.returncode == 0, done.stderr


def test_the_webhooks_image_says_how_it_is_run(store: Store, webhook: str) -> None:
    found = config(store, webhook)
    assert found["User"] == "65532:65532"
    assert found["Entrypoint"][-1].endswith("/initshim")
    assert found["Cmd"] == ["serve"]


def test_no_secret_of_the_build_is_left_in_the_images(store: Store, webhook: str) -> None:
    found = json.dumps(config(store, webhook)).lower()
    assert "pip_" not in found
    container = store.run("buildah", "from", webhook).strip()
    try:
        mounted = Path(store.run("buildah", "mount", container).strip())
        assert not list(mounted.glob("run/secrets/*"))
        assert not (mounted / "src").exists()
        site = next((mounted / "opt/venv/lib").glob("python*/site-packages"))
        assert (site / "webhook").is_dir()
        assert not (site / "ziglang").exists()
    finally:
        store.run("buildah", "rm", container)


def test_the_webhook_answers_a_review_under_podman(store: Store, webhook: str) -> None:
    """Read-only root, no capability, no new privileges: what the chart asks of the kubelet."""
    strict = ["--read-only", "--cap-drop=all", "--security-opt=no-new-privileges"]
    options = ["--detach", "--network=host", "--name=webhook", *strict, "--read-only-tmpfs=false"]
    serve = ["serve", "--dev", "--port=0", "--http-port=0"]
    store.run("podman", "run", *options, webhook, *serve)
    try:
        https, http = ports(store)
        done = subprocess.run(
            [sys.executable, str(REVIEW), "localhost", https, http],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr + store.logs("webhook")
        assert done.stdout.strip() == "Wrapped: /.initshim/init -- app"
        first = store.run("podman", "exec", "webhook", "/usr/local/bin/python3", "-c", PID_1)
        assert first.split("\0")[0] == "/usr/local/bin/initshim-init"
        slow = store.run("podman", "exec", "webhook", "/opt/venv/bin/python", "-c", UNCOMPILED)
        assert slow.split() == []
        store.run("podman", "stop", "--time=30", "webhook")
        ended = json.loads(store.run("podman", "inspect", "webhook"))[0]["State"]
        assert ended["ExitCode"] == 0
    finally:
        store.run("podman", "rm", "--force", "webhook")


# Nobody may write bytecode there: what has none is compiled at each start.
UNCOMPILED = """
import os, sys
import webhook.assembly.resolver, webhook.assembly.rotation, webhook.cli.run_webhook
for each in list(sys.modules.values()):
    cached = getattr(each, "__cached__", None)
    if cached and not os.path.exists(cached):
        print(each.__name__)
"""
PID_1 = "print(open('/proc/1/cmdline').read())"


def ports(store: Store) -> tuple[str, str]:
    """Wait for the lines in which the webhook says where it listens."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        state = json.loads(store.run("podman", "inspect", "webhook"))[0]["State"]
        said = store.logs("webhook")
        found = re.findall(r"http[^ ]*://localhost:(\d+)/", said)
        if len(found) >= 2:
            return found[0], found[1]
        assert state["Status"] in ("created", "initialized", "running"), said
        time.sleep(0.2)
    raise AssertionError(f"the webhook did not say where it listens: {said}")
