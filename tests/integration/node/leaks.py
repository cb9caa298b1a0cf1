"""`initshim leaks` on the node's cluster, as a person runs it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integration.node import images
from tests.integration.node.cluster import Cluster
from tests.integration.node.layout import OPEN_REGISTRY
from tests.leftovers import mark

Json = dict[str, Any]
PODS_IN = "initshim-leaks"
# As from a terminal: a test run in the background is started with SIGINT ignored.
_START = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from webhook.cli import start
start()
"""


@dataclass(frozen=True)
class Ran:
    """What a command printed, and its exit code."""

    code: int
    stdout: str
    stderr: str

    @property
    def found(self) -> Json:
        """What it printed as JSON."""
        found: Json = json.loads(self.stdout)
        return found

    def of(self, kind: str, name: str) -> list[Json]:
        """Give the leaks, or the deaf, of a workload."""
        return [each for each in self.found[kind] if each["workload"]["name"] == name]


def started(kubeconfig: Path, *words: str) -> subprocess.Popen[str]:
    """Start `initshim` with these words."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(kubeconfig.parent), **mark()}
    command = [sys.executable, "-c", _START, *words, "--kubeconfig", str(kubeconfig)]
    return subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def run(kubeconfig: Path, *words: str) -> Ran:
    """Run `initshim` with these words to its end."""
    with started(kubeconfig, *words) as running:
        stdout, stderr = running.communicate(timeout=240)
    return Ran(running.returncode, stdout, stderr)


def by_nodes(*more: str) -> tuple[str, ...]:
    """Give the words to look from the node, as JSON."""
    image = f"{OPEN_REGISTRY}/initshim/reaper:{images.version()}"
    return ("leaks", "--image", image, "--watch", "3", "-o", "json", *more)


def by_exec(*more: str) -> tuple[str, ...]:
    """Give the words to look from inside, as JSON."""
    return ("leaks", "--exec", "--watch", "3", "-o", "json", *more)


def left(cluster: Cluster) -> str:
    """Say what of a look is still in the cluster."""
    found = cluster.kubectl("get", "pods", "-A", "-l", "initshim.dev/leaks", "-o", "name")
    return found.replace("No resources found", "").strip()
