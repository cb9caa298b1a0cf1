"""--install DEST: the init container's whole job, whatever it finds there."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import initshim
from tests.reaper import need
from tests.reaper.process import NAMESPACE, shell

if TYPE_CHECKING:
    from collections.abc import Sequence


def install(
    elf: Path, destination: Path | str, wrap: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    command = [*wrap, str(elf), "--install", str(destination)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


def assert_installed(elf: Path, destination: Path) -> None:
    assert destination.read_bytes() == elf.read_bytes()
    assert stat.S_IMODE(destination.stat().st_mode) == 0o555
    assert [p.name for p in destination.parent.iterdir()] == [destination.name], "a temporary file"
    done = subprocess.run([destination, "--", "sh", "-c", "exit 6"], check=False)
    assert done.returncode == 6


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "shared"
    made.mkdir()
    return made


def test_the_copy_is_whole_and_runs(elf: Path, folder: Path) -> None:
    done = install(elf, folder / "init")
    assert (done.returncode, done.stderr) == (0, "")
    assert_installed(elf, folder / "init")


def test_the_umask_changes_nothing(elf: Path, folder: Path) -> None:
    assert install(elf, folder / "init", shell('umask 077; exec "$@"')).returncode == 0
    assert_installed(elf, folder / "init")


def test_a_relative_destination(elf: Path, folder: Path) -> None:
    for name in ("init", "./init"):
        done = subprocess.run([elf, "--install", name], cwd=folder, check=False)
        assert done.returncode == 0
        assert_installed(elf, folder / "init")


def test_without_path_environment_or_descriptors(elf: Path, folder: Path) -> None:
    wrap = shell('exec env -i "$@" <&- >&- 2>&-')
    assert install(elf, folder / "init", wrap).returncode == 0
    assert_installed(elf, folder / "init")


def test_again_and_over_a_running_copy(elf: Path, folder: Path) -> None:
    assert install(elf, folder / "init").returncode == 0
    command = [str(folder / "init"), "--", "sleep", "1000"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as running:
        try:
            for _ in range(3):
                done = install(elf, folder / "init")
                assert (done.returncode, done.stderr) == (0, "")
                assert_installed(elf, folder / "init")
            assert running.poll() is None
        finally:
            running.terminate()
    assert running.returncode == 143


def test_a_copy_installs_the_next(elf: Path, folder: Path, tmp_path: Path) -> None:
    assert install(elf, tmp_path / "first").returncode == 0
    assert install(tmp_path / "first", folder / "init").returncode == 0
    assert_installed(elf, folder / "init")


def test_a_torn_file_is_replaced(elf: Path, folder: Path) -> None:
    (folder / "init").write_text("torn")
    assert install(elf, folder / "init").returncode == 0
    assert_installed(elf, folder / "init")


@pytest.mark.parametrize("beside", ["file", "link", "read-only"])
def test_what_a_killed_predecessor_left_is_no_obstacle(
    elf: Path, folder: Path, tmp_path: Path, beside: str
) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    if beside == "link":
        (folder / "init.new").symlink_to(target)
    else:
        (folder / "init.new").write_bytes(elf.read_bytes()[:1000])
        (folder / "init.new").chmod(0o400 if beside == "read-only" else 0o600)
    done = install(elf, folder / "init")
    assert (done.returncode, done.stderr) == (0, "")
    assert target.read_text() == "precious"
    assert_installed(elf, folder / "init")


def test_a_folder_beside_it_is_told_in_words(elf: Path, folder: Path) -> None:
    (folder / "init.new").mkdir()
    assert_refused(install(elf, folder / "init"), str(folder / "init"), "File exists")
    assert [p.name for p in folder.iterdir()] == ["init.new"]


def in_the_way(kind: str, place: Path, target: Path) -> socket.socket | None:
    """Something that is no regular file."""
    match kind:
        case "link":
            target.write_text("precious")
            place.symlink_to(target)
        case "dangling link":
            place.symlink_to(target / "none")
        case "folder":
            place.mkdir()
        case "pipe":
            os.mkfifo(place)
        case "socket":
            listening = socket.socket(socket.AF_UNIX)
            listening.bind(str(place))
            return listening
        case "device":
            need.root()
            os.mknod(place, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    return None


@pytest.mark.parametrize("kind", ["link", "dangling link", "folder", "pipe", "socket", "device"])
def test_what_is_no_regular_file_is_never_replaced(
    elf: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    target = tmp_path / "target"
    monkeypatch.chdir(folder)  # a socket's path is short
    held = in_the_way(kind, Path("init"), target)
    before = (folder / "init").lstat()
    done = install(elf, folder / "init")
    assert_refused(done, str(folder / "init"), "it exists and is no regular file")
    assert done.returncode == 125
    assert (folder / "init").lstat() == before
    assert [p.name for p in folder.iterdir()] == ["init"]
    assert kind != "link" or target.read_text() == "precious"
    if held:
        held.close()


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode not in {0, 2}
    assert done.returncode > 0
    assert done.stderr.startswith("initshim: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr


def test_a_missing_folder(elf: Path, folder: Path) -> None:
    destination = folder / "none" / "init"
    assert_refused(install(elf, destination), str(destination), "No such file or directory")


@pytest.mark.root
def test_as_somebody_without_rights(elf: Path) -> None:
    need.root()
    need.tool("setpriv", "util-linux")
    uid = (
        "setpriv",
        "--reuid=65532",
        "--regid=65532",
        "--clear-groups",
        "--no-new-privs",
        "--bounding-set=-all",
    )
    script = (
        "mount -t tmpfs none /mnt && mkdir -m 1777 /mnt/open && mkdir -m 755 /mnt/other && "
        "cp $1 /mnt/init && shift && "
        '"$@" /mnt/init --install /mnt/open/init && '
        'stat -c "%a %u" /mnt/open/init && ls -A /mnt/open && '
        '"$@" /mnt/init --install /mnt/other/init; echo $?'
    )
    command = [*NAMESPACE, "--mount", "--", *shell(script, str(elf), *uid)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    *_, mode, name, code = done.stdout.splitlines()
    assert (mode, name) == ("555 65532", "init")
    assert code not in {"0", "2"}
    assert "Permission denied" in done.stderr


@pytest.mark.root
def test_a_volume_that_allows_no_execution_is_told_in_a_sentence(elf: Path) -> None:
    need.root()
    script = f"mount -t tmpfs -o noexec none /mnt && {elf} --install /mnt/init; echo $?"
    done = subprocess.run(
        [*NAMESPACE, "--mount", "--", *shell(script)], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() not in {"0", "2"}
    assert "noexec" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.root
def test_a_full_volume_leaves_nothing_behind(elf: Path) -> None:
    need.root()
    script = (
        f"mount -t tmpfs -o size=4k none /mnt && {elf} --install /mnt/init; echo $?; ls -A /mnt"
    )
    done = subprocess.run(
        [*NAMESPACE, "--mount", "--", *shell(script)], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() not in {"0", "2"}
    assert done.stdout.count("\n") == 1, "something was left behind"
    assert os.strerror(28) in done.stderr


def test_the_copy_says_its_version(elf: Path, folder: Path) -> None:
    done = install(elf, folder / "init")
    copy = subprocess.run(
        [folder / "init", "--version"], capture_output=True, text=True, check=False
    )
    assert initshim.__version__ in copy.stdout
    assert done.returncode == 0
