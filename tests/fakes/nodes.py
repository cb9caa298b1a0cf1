"""Nodes with a kubelet each, over the API server simulator: they run what looks at them.

A pod that is created runs the real census on the node's folder of processes, which stays as it is,
and its log is what that printed.
"""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.fakes.api_server import ApiServer

Json = dict[str, Any]


@dataclass
class Nodes:
    """Nodes by name, with their folder of processes; `stuck` ones can't pull, `slow` never end."""

    server: ApiServer
    census: Path
    folders: dict[str, Path] = field(default_factory=dict)
    stuck: set[str] = field(default_factory=set)
    slow: set[str] = field(default_factory=set)
    made: list[Json] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server.admit = self._admit

    def add(
        self, name: str, folder: Path | None, *, ready: str = "True", system: str = "linux"
    ) -> None:
        """Add a node."""
        if folder:
            self.folders[name] = folder
        self.server.put(
            f"/api/v1/nodes/{name}",
            {
                "metadata": {"name": name, "labels": {"kubernetes.io/os": system}},
                "status": {"conditions": [{"type": "Ready", "status": ready}]},
            },
        )

    def _admit(self, path: str, given: Json) -> tuple[Json, list[str]]:
        if not path.endswith("/pods"):
            return given, []
        self.made.append(given)
        return {**given, "status": self._run(path, given)}, []

    def _run(self, path: str, pod: Mapping[str, Any]) -> Json:
        node = pod["spec"]["nodeName"]
        if node in self.stuck:
            waiting = {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}
            return {"phase": "Pending", "containerStatuses": [{"state": {"waiting": waiting}}]}
        if node in self.slow:
            return {"phase": "Running"}
        (container,) = pod["spec"]["containers"]
        words = (*container["command"][1:], "--proc", str(self.folders[node]))
        code, log = _run_once(self.census, words)
        self.server.texts[f"{path}/{pod['metadata']['name']}/log"] = log
        return {"phase": "Succeeded" if code == 0 else "Failed"}


@cache
def _run_once(census: Path, words: tuple[str, ...]) -> tuple[int, str]:
    """Run the census: once for a folder, which it would wait a second for each time."""
    done = subprocess.run([census, *words], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout
