"""Build the reaper: Python → C (cython) → one static executable (zig cc with its own musl).

The same bytes come out wherever it is built: everything happens in a temporary folder under
relative names, so no path of this machine can get in; there are no timestamps; the C library is
zig's.
"""

import argparse
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from initshim import __version__
from initshim.targets import TARGETS, Target, this_machine

HERE = Path(__file__).parent

ROOMS = (
    "start",
    "reaper",
    "signals",
    "options",
    "install",
    "search",
    "spawn",
    "terminal",
    "reap",
    "linger",
    "say",
)

CYTHON = (
    "-3",
    # C's arithmetic and C's arrays: their checks would raise Python exceptions.
    *("-X", "cdivision=True", "-X", "boundscheck=False", "-X", "wraparound=False"),
)

CC = (
    *("-static", "-Oz", "-std=gnu11", "-w"),
    # Smaller than what -Oz takes for small: no function copied into another, no table of jumps.
    *("-fno-jump-tables", "-mllvm", "-inline-threshold=0"),
    # Python would find each module's init function by name. Nobody calls it here; as a static
    # function it is dropped by the compiler, and with it all that Cython generates around ours.
    "-DPyMODINIT_FUNC=static PyObject *",
    *("-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"),
    # Nobody unwinds our stack or reads our symbols.
    *("-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-fno-stack-protector"),
    *("-fomit-frame-pointer", "-fno-sanitize=all", "-fno-ident"),
    *("-Wl,--strip-all", "-Wl,--build-id=none", "-Wl,-T,reaper.ld"),
)

# What the headers of a 64-bit CPython say of the machine that it was built on.
SIZES_32 = {
    "LONG_BIT": 32,
    "SIZEOF_LONG": 4,
    "SIZEOF_SIZE_T": 4,
    "SIZEOF_VOID_P": 4,
    "SIZEOF_UINTPTR_T": 4,
    "SIZEOF_PTHREAD_T": 4,
    "SIZEOF_TIME_T": 8,
    "ALIGNOF_LONG": 4,
    "ALIGNOF_SIZE_T": 4,
}


def main() -> None:
    """`python -m initshim.build [--target NAME] [--out DIR]`."""
    parser = argparse.ArgumentParser(prog="python -m initshim.build", description=__doc__)
    parser.add_argument(
        "--target", choices=[*TARGETS, "all"], help="the machine (default: this one)"
    )
    parser.add_argument(
        "--out", type=Path, default=HERE / "bin", help="the folder (default: initshim/bin)"
    )
    given = parser.parse_args()
    if given.target == "all":
        targets = list(TARGETS.values())
    else:
        targets = [TARGETS[given.target] if given.target else this_machine()]
    for target in targets:
        binary = build(target, given.out)
        print(f"{binary}: {binary.stat().st_size} bytes")


def build(target: Target, out: Path) -> Path:
    """Build the reaper for one machine; the path of the executable."""
    with tempfile.TemporaryDirectory(prefix="initshim-") as name:
        folder = Path(name)
        sources = translate(folder)
        if not target.start:
            sources.remove("start.c")
        headers(target, folder / "include")
        shutil.copyfile(HERE / "reaper.ld", folder / "reaper.ld")
        run(
            [
                *("-m", "ziglang", "cc", "-target", target.zig, *CC),
                *("-Iinclude", f'-DINITSHIM_VERSION="initshim {__version__}\\n"'),
                *("-o", target.file, *sources),
            ],
            folder,
        )
        out.mkdir(parents=True, exist_ok=True)
        binary = out / target.file
        # Beside and renamed: the old one may be running.
        beside = binary.with_suffix(".new")
        shutil.copyfile(folder / target.file, beside)
        beside.chmod(0o755)
        return beside.replace(binary)


def translate(folder: Path) -> list[str]:
    """Translate each room to C; the names of the C files."""
    package = folder / "initshim"
    package.mkdir()
    (package / "__init__.py").touch()
    for declarations in HERE.glob("*.pxd"):
        shutil.copyfile(declarations, package / declarations.name)
    for room in ROOMS:
        shutil.copyfile(HERE / f"{room}.py", package / f"{room}.py")
        run(["-m", "cython", *CYTHON, "-o", f"{room}.c", f"initshim/{room}.py"], folder)
    return [f"{room}.c" for room in ROOMS]


def headers(target: Target, folder: Path) -> None:
    """Copy this Python's headers, which Cython's C includes, and make them fit the target."""
    for name in {sysconfig.get_path("include"), sysconfig.get_path("platinclude")}:
        shutil.copytree(name, folder, dirs_exist_ok=True)
    if target.word == 32:
        config = folder / "pyconfig.h"
        config.write_text(resized(config.read_text()))


def resized(config: str) -> str:
    """A pyconfig.h with the sizes of a 32-bit machine."""
    for name, size in SIZES_32.items():
        config = re.sub(
            rf"^#define {name} \d+$", f"#define {name} {size}", config, flags=re.MULTILINE
        )
    return config


def run(arguments: list[str], folder: Path) -> None:
    """Run one of Python's tools in the folder; its complaints are ours."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(f"initshim.build: {' '.join(arguments[:3])} failed\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
