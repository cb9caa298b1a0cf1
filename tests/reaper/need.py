"""One form for what is missing, so that the end of a run tells what to install."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess

import pytest

from tests.reaper.process import namespace


def tool(program: str, package: str) -> str:
    """The path of a program, or a skip that names the Debian package."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"needs {package}: apt-get install {package}")
    return path


def module(name: str, package: str) -> None:
    """A Python module, or a skip that names the package."""
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"needs {package}: pip install {package}")


def root() -> None:
    """Root's rights, or a skip."""
    if os.geteuid() != 0:
        pytest.skip("needs root: run the tests as root for this one")


def namespaces() -> None:
    """A PID namespace of our own, or a skip that says what the kernel answered."""
    tool("unshare", "util-linux")
    tried = subprocess.run([*namespace(), "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"needs root: PID namespaces aren't allowed here ({tried.stderr.strip()})")
