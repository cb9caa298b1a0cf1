"""What the build does before any compiler runs."""

import re
from pathlib import Path

import pytest

from initshim import build

FOLDER = Path(build.__file__).parent
DOOR = re.compile(r"^cdef (?:public|extern) (.+\(.*\) noexcept nogil)$", re.MULTILINE)


def doors(*, kind: str, names: list[str]) -> set[str]:
    """The signatures that these .pxd files declare so."""
    return {
        signature
        for name in names
        for line in (FOLDER / f"{name}.pxd").read_text().splitlines()
        if line.startswith(f"cdef {kind} ")
        for signature in DOOR.findall(line)
    }


def test_each_door_between_rooms_has_the_same_signature_on_both_sides() -> None:
    inside = doors(kind="public", names=list(build.ROOMS))
    outside = doors(kind="extern", names=["rooms"])
    assert inside - outside == {
        "int main(int argc, char **argv) noexcept nogil",
        # By these musl comes in.
        "void __libc_start_main(Program program, int argc, char **argv) noexcept nogil",
        "int *__errno_location() noexcept nogil",
        "int *___errno_location() noexcept nogil",
    }
    assert outside - inside == set()


def test_every_room_has_its_declarations_and_the_build_knows_it() -> None:
    rooms = {file.stem for file in FOLDER.glob("*.pxd")} - {"linux", "rooms"}
    assert rooms == set(build.ROOMS)
    assert all((FOLDER / f"{room}.py").is_file() for room in rooms)


@pytest.mark.parametrize(("name", "size"), build.SIZES_32.items())
def test_a_32_bit_machine_gets_headers_of_its_own_sizes(name: str, size: int) -> None:
    config = f"/* sizes */\n#define {name} 99\n#define {name}_T 8\n"
    assert build.resized(config) == f"/* sizes */\n#define {name} {size}\n#define {name}_T 8\n"
