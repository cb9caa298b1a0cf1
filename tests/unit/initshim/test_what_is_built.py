"""What comes out: the same bytes wherever it is built, small, and in a wheel that needs nothing."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import initshim
from initshim.build import PROGRAMS, REAPER, Program, build
from initshim.targets import TARGETS, this_machine

ROOT = Path(__file__).parents[3]
LARGEST = 24_576  # bytes

pytestmark = pytest.mark.xdist_group("build")  # the build and the wheel by one worker


@pytest.fixture(scope="module")
def anew(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a build of a copy of the source, with a temporary folder of its own."""
    folder = tmp_path_factory.mktemp("build") / "another/and/deeper"
    shutil.copytree(
        ROOT / "initshim", folder / "initshim", ignore=shutil.ignore_patterns("bin", "__py*")
    )
    temporary = folder / "tmp"
    temporary.mkdir()
    subprocess.run(
        [sys.executable, "-m", "initshim.build", "--no-cache", "--out", "out"],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(temporary), "ZIG_LOCAL_CACHE_DIR": str(temporary)},
        check=True,
    )
    return folder / "out"


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_two_builds_in_two_folders_are_equal(anew: Path, program: Program, tmp_path: Path) -> None:
    """The other one is in the cache: of this source, in its own temporary folder."""
    target = this_machine()
    one, another = build(target, tmp_path, program), anew / program.file(target)
    assert one.read_bytes() == another.read_bytes()


def test_nothing_of_the_place_or_of_python_is_in_it(anew: Path) -> None:
    content = (anew / REAPER.file(this_machine())).read_bytes()
    for trace in (str(anew).encode(), b"/tmp", b"Python", b"cython", b"pyx"):
        assert trace not in content


def test_it_is_small_and_static(anew: Path) -> None:
    content = (anew / REAPER.file(this_machine())).read_bytes()
    assert content[:4] == b"\x7fELF"
    assert len(content) <= LARGEST
    assert b"ld-linux" not in content
    assert b"ld-musl" not in content


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("name", [target.name for target in TARGETS.values() if target.word == 64])
def test_it_is_small_on_every_64_bit_machine(name: str, program: str, tmp_path: Path) -> None:
    """The census' tables are 2.8 MB of memory, none of which may be in the file."""
    assert build(TARGETS[name], tmp_path, PROGRAMS[program]).stat().st_size <= LARGEST


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", out, ROOT], check=True)
    return next(out.glob("*.whl"))


def test_the_wheel_brings_the_reaper_for_any_libc(wheel: Path) -> None:
    assert "-py3-none-manylinux" in wheel.name
    assert "musllinux" in wheel.name
    names = zipfile.ZipFile(wheel).namelist()
    assert f"initshim/bin/{initshim.path().name}" in names
    assert any(name.endswith(".data/scripts/initshim-init") for name in names)


def test_the_wheel_installs_two_packages_and_no_third_name(wheel: Path) -> None:
    """A top-level `tests` would be everybody's in the same site-packages."""
    names = [Path(name).parts for name in zipfile.ZipFile(wheel).namelist()]
    version = f"initshim-{initshim.__version__}"
    assert {parts[0] for parts in names} == {
        "initshim",
        "webhook",
        f"{version}.dist-info",
        f"{version}.data",
    }
    inside = {part for parts in names for part in parts[1:]}
    assert "demo" not in inside  # a command of the checkout
    assert not {part for part in inside if part.startswith(("test", "conftest"))}


def test_a_wheel_for_another_machine_brings_that_machines_reaper(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--directory", str(tmp_path)]
    environment = {**os.environ, "INITSHIM_TARGET": "arm64"}
    subprocess.run([*build, "--target", "wheel"], cwd=ROOT, env=environment, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert "_aarch64.musllinux" in wheel.name
    content = zipfile.ZipFile(wheel).read("initshim/bin/initshim-linux-arm64")
    assert int.from_bytes(content[18:20], "little") == 183  # e_machine: EM_AARCH64


def test_an_installed_wheel_runs_programs_and_needs_no_other(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", wheel], check=True)
    for command in ([str(python), "-m", "initshim"], [str(environment / "bin/initshim-init")]):
        run = [*command, "--", "sh", "-c", "exit 7"]
        assert subprocess.run(run, cwd=tmp_path, check=False).returncode == 7
    bare = [str(environment / "bin/initshim"), "demo"]
    done = subprocess.run(bare, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'initshim[cli]'" in done.stderr
