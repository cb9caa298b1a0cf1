"""Both images, built by buildah from the project's Dockerfile, once for all tests here."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.images import base
from tests.integration.images.store import Store
from tests.reaper import need

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    need.root()
    for program in ("buildah", "podman", "runc", "umoci"):
        need.tool(program, program)
    _needs_index(tmp_path_factory.mktemp("probe"))
    made = Store(tmp_path_factory.mktemp("images"))
    yield made
    shutil.rmtree(made.folder)  # some 400 MB


@pytest.fixture(scope="session")
def python_image(store: Store) -> str:
    context = store.folder / "base"
    base.make(context / "root")
    (context / "Dockerfile").write_text("FROM scratch\nCOPY root /\n")
    store.run("buildah", "build", "--tag", "localhost/python", str(context))
    shutil.rmtree(context)
    return "localhost/python"


@pytest.fixture(scope="session")
def reaper(store: Store, python_image: str) -> str:
    return store.build("reaper", *_options(python_image))


@pytest.fixture(scope="session")
def webhook(store: Store, python_image: str, reaper: str) -> str:
    assert reaper  # built first: its compiler's cache is used again
    return store.build("webhook", *_options(python_image))


def _options(python_image: str) -> list[str]:
    platform = f"linux/{ARCHITECTURES[os.uname().machine]}"
    return ["--platform", platform, "--build-arg", f"PYTHON_IMAGE={python_image}"]


def _needs_index(folder: Path) -> None:
    """Skip where no package index answers: the images are made of packages."""
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
    command = [*download, "--dest", str(folder), "annotated-types"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        pytest.skip("needs a package index: pip download annotated-types")
