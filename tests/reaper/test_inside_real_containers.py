"""From an empty read-only root file system without rights; podman's own init as reference."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import initshim
from tests.reaper import container, need

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.root]
SIGNALS = [1, 2, 3, 10, 12, 17, 18, 28, 31, 15]
"""Those that `runc kill` knows: it has no name for real-time ones."""


@pytest.fixture(scope="module")
def rootfs(elf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty root file system: the reaper and one static program."""
    folder = tmp_path_factory.mktemp("bundle")
    root = folder / "rootfs"
    root.mkdir()
    witness = container.compile_witness()
    for program, name in ((elf, "init"), (witness, "witness")):
        shutil.copy(program, root / name)
        (root / name).chmod(0o555)
    for parent in (root, folder):
        parent.chmod(0o755)
    return root


@pytest.fixture
def runc(rootfs: Path, tmp_path: Path) -> container.Runc:
    container.runnable("runc")
    return container.Runc(rootfs.parent, tmp_path / "state")


@pytest.fixture
def podman(rootfs: Path, tmp_path: Path) -> Iterator[container.Podman]:
    container.runnable("podman")
    need.tool("catatonit", "catatonit")
    copy = tmp_path / "rootfs"
    shutil.copytree(rootfs, copy)
    with tempfile.TemporaryDirectory(prefix="podman") as runroot:
        yield container.Podman(tmp_path, copy, Path(runroot))


def test_runc_exit_codes(runc: container.Runc) -> None:
    for code in (0, 1, 42, 255):
        done = runc.run(["/init", "--", "/witness", str(code)])
        assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


def test_runc_reports_what_cannot_run(runc: container.Runc) -> None:
    done = runc.run(["/init", "--", "/missing"])
    assert done.returncode == 127
    assert done.stderr == "initshim: cannot run /missing: No such file or directory\n"
    assert runc.run(["/init", "--", "/proc"]).returncode == 126


def test_runc_the_reaper_runs_itself(runc: container.Runc) -> None:
    done = runc.run(["/init", "--", "/init", "--", "/init", "--version"])
    assert (done.returncode, done.stdout) == (0, f"initshim {initshim.__version__}\n")


def test_runc_forwards_signals_as_nobody(runc: container.Runc) -> None:
    said, code = runc.forward(["/init", "--", "/witness"], SIGNALS)
    uid, pid, *arrived = said.removeprefix("ready ").split()
    assert uid == "65532"
    assert pid != "1"
    # runc passes on the SIGURGs by which its own Go runtime preempts itself.
    assert [int(n) for n in arrived if n != "23"] == SIGNALS[:-1]
    assert code == 42


def test_runc_under_containerds_default_seccomp_profile(runc: container.Runc) -> None:
    """The profile is what containerd 2.4.2's contrib/seccomp.DefaultProfile gives."""
    runc.seccomp = (Path(__file__).parent / "profiles" / "containerd-2.4.2.json").read_text()
    done = runc.run(["/init", "--", "/witness", "42"])
    assert (done.returncode, done.stdout, done.stderr) == (42, "", "")
    said, code = runc.forward(["/init", "--", "/witness"], SIGNALS)
    arrived = said.removeprefix("ready ").split()[2:]
    assert [int(n) for n in arrived if n != "23"] == SIGNALS[:-1]
    assert code == 42


def test_podmans_default_seccomp_profile_is_on_in_these_tests(podman: container.Podman) -> None:
    shown = podman.command("info", "--format", "{{.Host.Security.SECCOMPEnabled}}")
    done = subprocess.run(shown, env=podman.env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "true"


def test_podman_the_same_exit_codes_as_its_own_init(podman: container.Podman) -> None:
    for code in ("0", "3", "130", "255"):
        theirs = podman.run(["--init"], ["/witness", code])
        ours = podman.run([], ["/init", "--", "/witness", code])
        assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout)
        assert ours.returncode == int(code), ours.stderr


def test_podman_the_same_signals_as_its_own_init(podman: container.Podman) -> None:
    numbers = [1, 2, 10, 12, 28, 35, 64, 15]
    theirs = podman.stop(["--init"], ["/witness"], numbers)
    ours = podman.stop([], ["/init", "--", "/witness"], numbers)
    assert ours == theirs
    assert ours[1] == 42
    assert [int(n) for n in ours[0].split()] == numbers[:-1]
