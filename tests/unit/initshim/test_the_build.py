"""What the build does before any compiler runs."""

import re
from pathlib import Path

import pytest

from initshim import build

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
    modules = {file.stem for file in FOLDER.glob("*.pxd")} - {"linux", "shared", "grammar"}
    assert modules == set(build.REAPER.modules)
    assert all((FOLDER / f"{module}.py").is_file() for module in modules)


@pytest.mark.parametrize(("name", "size"), build.SIZES_32.items())
def test_a_32_bit_machine_gets_headers_of_its_own_sizes(name: str, size: int) -> None:
    config = f"/* sizes */\n#define {name} 99\n#define {name}_T 8\n"
    assert build.resized(config) == f"/* sizes */\n#define {name} {size}\n#define {name}_T 8\n"
