"""Real containers by runc or podman: an empty root file system, the reaper, one program."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.c_programs import compiled
from tests.reaper import kernel, need
from tests.reaper.process import PROGRAMS
from tests.reaper.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RUNTIME = """
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
"""


def compile_witness() -> Path:
    """The static program, from the C compiler that the build uses."""
    need.module("ziglang", "ziglang")
    return compiled(PROGRAMS / "witness.c")


@dataclass
class Runc:
    """One bundle: read-only root, uid 65532, no capabilities, nothing but two files."""

    folder: Path
    state: Path
    seccomp: str = ""
    """A seccomp profile as the OCI specification has it; empty: none."""

    def write(self, arguments: Sequence[str]) -> None:
        """Write the bundle's config.json from runc's own default."""
        config_path = self.folder / "config.json"
        config_path.unlink(missing_ok=True)
        subprocess.run(["runc", "spec"], cwd=self.folder, check=True)
        config = json.loads(config_path.read_text())
        process = config["process"]
        process.pop("rlimits", None)
        process |= {
            "terminal": False,
            "args": list(arguments),
            "env": [],
            "user": {"uid": 65532, "gid": 65532},
            "noNewPrivileges": True,
            "capabilities": {
                kind: []
                for kind in ("bounding", "effective", "permitted", "inheritable", "ambient")
            },
        }
        if self.seccomp:
            config["linux"]["seccomp"] = json.loads(self.seccomp)
        config["root"] = {"path": "rootfs", "readonly": True}
        config_path.write_text(json.dumps(config))

    def command(self, verb: str, *words: str) -> list[str]:
        """A runc command line with a state folder of our own."""
        return ["runc", "--root", str(self.state), verb, *words]

    def run(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run to the end."""
        self.write(arguments)
        name = f"initshim-{uuid.uuid4().hex[:12]}"
        return subprocess.run(
            self.command("run", "--bundle", str(self.folder), name),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=kernel.DEADLINE,
        )

    def forward(self, arguments: Sequence[str], numbers: Sequence[int]) -> tuple[str, int]:
        """What the program said to these signals from `runc kill`, and the exit code."""
        self.write(arguments)
        name = f"initshim-{uuid.uuid4().hex[:12]}"
        popen = subprocess.Popen(
            self.command("run", "--bundle", str(self.folder), name),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            assert popen.stdout is not None
            stream = Stream(popen.stdout.fileno())
            said = stream.expect("ready")
            said += stream.line() + "\n"
            for number in numbers:
                subprocess.run(self.command("kill", name, str(number)), check=True)
                if number != 15:
                    said += stream.expect(f"{number}\n")
            return said + stream.rest(), popen.wait(kernel.DEADLINE)
        finally:
            subprocess.run(
                self.command("delete", "--force", name), capture_output=True, check=False
            )
            popen.wait(kernel.DEADLINE)
            if popen.stdout:
                popen.stdout.close()


@dataclass
class Podman:
    """podman with stores of its own and without a network."""

    folder: Path
    rootfs: Path
    runroot: Path
    """A short path of its own: podman refuses more than 50 characters."""

    def command(self, verb: str, *words: str) -> list[str]:
        """A podman command line that touches nobody else's containers."""
        stores = ["--root", str(self.folder / "root"), "--runroot", str(self.runroot)]
        return ["podman", *stores, "--storage-driver", "vfs", verb, *words]

    @property
    def env(self) -> dict[str, str]:
        """The configuration that works without systemd and with runc."""
        config = self.folder / "containers.conf"
        config.write_text(RUNTIME)
        return {**os.environ, "CONTAINERS_CONF": str(config)}

    def run(
        self, options: Sequence[str], arguments: Sequence[str]
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end in the same root file system."""
        words = ["--rm", "--network", "none", *options, "--rootfs", str(self.rootfs), *arguments]
        return subprocess.run(
            self.command("run", *words),
            env=self.env,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=kernel.DEADLINE,
        )

    def stop(
        self, options: Sequence[str], arguments: Sequence[str], numbers: Sequence[int]
    ) -> tuple[str, int]:
        """What the program said while these signals were sent, and the exit code."""
        name = f"initshim-{uuid.uuid4().hex[:12]}"
        words = [
            "--name",
            name,
            "--network",
            "none",
            *options,
            "--rootfs",
            str(self.rootfs),
            *arguments,
        ]
        popen = subprocess.Popen(
            self.command("run", *words),
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            assert popen.stdout is not None
            stream = Stream(popen.stdout.fileno())
            stream.expect("ready")
            stream.line()
            said = ""
            for number in numbers:
                kill = self.command("kill", "--signal", str(number), name)
                subprocess.run(kill, env=self.env, capture_output=True, check=True)
                if number != 15:
                    said += stream.line() + "\n"
            return said + stream.rest(), popen.wait(kernel.DEADLINE)
        finally:
            remove = self.command("rm", "--force", "--time", "0", name)
            subprocess.run(remove, env=self.env, capture_output=True, check=False)
            popen.wait(kernel.DEADLINE)
            if popen.stdout:
                popen.stdout.close()


def runnable(tool: str) -> None:
    """Root and the tool, or a skip."""
    need.root()
    need.tool(tool, tool)
    if os.uname().machine != "x86_64":
        pytest.skip("needs x86-64: the static witness is compiled for it")
