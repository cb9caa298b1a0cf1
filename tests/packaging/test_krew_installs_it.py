"""krew itself installs the plugin from our manifest and archive, and kubectl finds it.

`kubectl-krew` on the PATH, or what `make krew` builds once from its Go module.
"""

import os
import platform
import subprocess
from pathlib import Path

import pytest

from tests.chart import tools
from tests.go_program import Missing
from tests.packaging.krew import KREW

ARCH = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "")


def install(dist: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Run krew as README has it, but with the archive from here; everything goes below `home`."""
    try:
        program = KREW.find()
    except Missing as missing:
        pytest.skip(str(missing))
    archive = dist / f"kubectl-initshim-linux-{ARCH}.tar.gz"
    words = ["install", f"--manifest={dist / 'initshim.yaml'}", f"--archive={archive}"]
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "KREW_ROOT": str(home / "krew")}
    return subprocess.run(
        [str(program), *words],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
        env=environ,
    )  # fmt: skip


@pytest.mark.usefixtures("manifest")
def test_krew_installs_it_and_kubectl_runs_it(dist: Path, tmp_path: Path) -> None:
    done = install(dist, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Installed plugin: initshim" in done.stderr
    assert "Needs Python 3.11 to 3.14." in done.stderr
    folder = tmp_path / "krew" / "bin"
    try:
        kubectl = tools.program("kubectl")
    except tools.Missing as missing:
        pytest.skip(str(missing))
    environ = {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    ran = subprocess.run(
        [str(kubectl), "initshim", "audit"],
        capture_output=True, text=True, timeout=60, check=False, env=environ,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (0, "ran: audit\n"), ran.stderr


@pytest.mark.usefixtures("manifest")
def test_krew_refuses_another_archive(dist: Path, tmp_path: Path) -> None:
    archive = dist / f"kubectl-initshim-linux-{ARCH}.tar.gz"
    archive.write_bytes(archive.read_bytes() + b"x")
    done = install(dist, tmp_path)
    assert done.returncode != 0
    assert "checksum does not match" in done.stderr
