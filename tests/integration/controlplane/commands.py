"""The command line against a control plane, as a person runs it."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.integration.controlplane.controllers import Json
from tests.integration.controlplane.plane import ControlPlane
from tests.leftovers import mark


def run(
    plane: ControlPlane, *words: str, kubeconfig: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run it with the plane's kubeconfig, or another."""
    return subprocess.run(
        [sys.executable, "-c", "from webhook.cli import start; start()", *words,
         "--kubeconfig", str(kubeconfig or plane.kubeconfig)],
        capture_output=True, text=True, check=False, timeout=120,
        env={"PATH": os.environ["PATH"], "HOME": str(plane.folder), **mark()},
    )  # fmt: skip


def doctor(plane: ControlPlane, *words: str) -> tuple[int, list[Json]]:
    """Give its exit code, and what it found."""
    done = run(plane, "doctor", "-o", "json", *words)
    assert done.stdout, done.stderr
    found: list[Json] = json.loads(done.stdout)["findings"]
    return done.returncode, found


def of_policy(found: Sequence[Json]) -> list[tuple[str, str]]:
    """Give the severities and words of what was found of the policy."""
    return [(each["severity"], each["what"]) for each in found if each["check"] == "policy"]
