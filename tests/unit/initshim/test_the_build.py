"""What the build does before any compiler runs."""

import re
import sysconfig
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from initshim import build
from initshim.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(build.__file__).parent
SIGNATURE = re.compile(r"^cdef (?:public|extern) (.+\(.*\) noexcept nogil)$", re.MULTILINE)


def signatures(*, kind: str, names: list[str]) -> set[str]:
    """The signatures that these .pxd files declare so."""
    return {
        signature
        for name in names
        for line in (FOLDER / f"{name}.pxd").read_text().splitlines()
        if line.startswith(f"cdef {kind} ")
        for signature in SIGNATURE.findall(line)
    }


def test_each_shared_function_has_one_signature_where_it_is_and_where_it_is_called() -> None:
    inside = signatures(kind="public", names=list(build.REAPER.modules))
    outside = signatures(kind="extern", names=["shared"])
    assert inside - outside == {
        "int main(int argc, char **argv) noexcept nogil",
        # musl calls these.
        "void __libc_start_main(Program program, int argc, char **argv) noexcept nogil",
        "int *__errno_location() noexcept nogil",
        "int *___errno_location() noexcept nogil",
    }
    assert outside - inside == set()


def test_every_module_has_its_declarations_and_the_build_knows_it() -> None:
    modules = {file.stem for file in FOLDER.glob("*.pxd")} - {"linux", "shared"}
    assert modules == set(build.REAPER.modules)
    assert all((FOLDER / f"{module}.py").is_file() for module in modules)


@pytest.mark.parametrize(("name", "size"), build.SIZES_32.items())
def test_a_32_bit_machine_gets_headers_of_its_own_sizes(name: str, size: int) -> None:
    config = f"/* sizes */\n#define {name} 99\n#define {name}_T 8\n"
    assert build.resized(config) == f"/* sizes */\n#define {name} {size}\n#define {name}_T 8\n"


@pytest.mark.parametrize(
    "place",
    ["{machine}/{python}/pyconfig.h", "{python}/pyconfig-64.h"],
    ids=["as Debian has it", "as Fedora has it"],
)
@pytest.mark.parametrize(("target", "size"), [("amd64", 8), ("arm", 4)])
def test_a_pyconfig_that_only_names_the_machines_is_followed(
    place: str, target: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    include = tmp_path / "python3.11"
    machine = sysconfig.get_config_var("MULTIARCH") or "x86_64-linux-gnu"
    own = tmp_path / place.format(machine=machine, python=include.name)
    for folder in (include, own.parent):
        folder.mkdir(parents=True, exist_ok=True)
    (include / "Python.h").write_text('#include "pyconfig.h"\n')
    (include / "pyconfig.h").write_text(f"#include <{own.relative_to(tmp_path)}>\n")
    own.write_text("#define SIZEOF_LONG 8\n")
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(include))
    monkeypatch.setattr(sysconfig, "get_config_var", {"MULTIARCH": machine}.get)
    build.headers(TARGETS[target], tmp_path / "copied")
    assert (tmp_path / "copied/pyconfig.h").read_text() == f"#define SIZEOF_LONG {size}\n"


def test_a_python_without_headers_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    with pytest.raises(SystemExit, match=r"headers are not in .*; install them \(python3-dev"):
        build.headers(TARGETS["amd64"], tmp_path / "copied")


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Tools that only note their names and write what the compiler would; the cache is empty."""
    ran: list[str] = []

    def run(arguments: list[str], folder: Path) -> None:
        ran.append(arguments[1])
        if "-o" in arguments:
            (folder / arguments[arguments.index("-o") + 1]).write_text("made")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(build, "run", run)
    return ran


def test_what_is_the_same_for_every_machine_is_made_once(tools: list[str], tmp_path: Path) -> None:
    for _ in range(2):
        for name in ("amd64", "arm64"):
            assert build.build(TARGETS[name], tmp_path / "out").read_text() == "made"
    assert tools == ["cython", "ziglang", "ziglang"]
    build.build(TARGETS["amd64"], tmp_path / "out", cached=False)
    assert tools[3:] == ["cython", "ziglang"]


def test_who_wants_what_another_builds_waits_for_it(
    tools: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: Callable[..., None] = build.run
    others: list[threading.Thread] = []

    def build_it(name: str) -> None:
        build.build(TARGETS["amd64"], tmp_path / name)

    def run(*given: object) -> None:
        if not others:  # the first of all: now another comes
            others.append(threading.Thread(target=build_it, args=["another"]))
            others[0].start()
            others[0].join(0.3)
        noted(*given)

    monkeypatch.setattr(build, "run", run)
    build_it("first")
    others[0].join()
    assert tools == ["cython", "ziglang"]
    assert len(list(tmp_path.glob("*/initshim-linux-amd64"))) == 2
