"""Build the reaper: Python → C (cython) → one static executable (zig cc with its own musl).

The same bytes come out wherever it is built: everything happens in a temporary folder under
relative names, so no path of this machine can get in; there are no timestamps; the C library is
zig's. So what was built once is kept in the user's cache, under a hash of all that it is made of:
the executables, and the C files, which are the same for every machine.
"""

import argparse
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

from initshim import __version__, grammar
from initshim.cache import cache_folder, fingerprint, made_once, put_beside
from initshim.targets import TARGETS, Target, this_machine

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One static executable and the modules that it is made of, as paths below this folder."""

    name: str
    modules: tuple[str, ...]

    def file(self, target: Target) -> str:
        """The name of the executable."""
        return f"{self.name}-linux-{target.name}"


REAPER = Program(
    name="initshim",
    modules=(
        "start",
        "reaper",
        "signals",
        "options",
        "install",
        "search",
        "spawn",
        "terminal",
        "users",
        "reap",
        "linger",
        "say",
        "text",
    ),
)
CENSUS = Program(
    name="initshim-census",
    modules=("start", "census/census", "census/proc", "census/tables", "census/lines", "text"),
)
PROGRAMS = {program.name: program for program in (REAPER, CENSUS)}

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
    """`python -m initshim.build [--target NAME] [--out DIR] [--no-cache]`."""
    parser = argparse.ArgumentParser(prog="python -m initshim.build", description=__doc__)
    parser.add_argument(
        "--target", choices=[*TARGETS, "all"], help="the machine (default: this one)"
    )
    parser.add_argument(
        "--out", type=Path, default=HERE / "bin", help="the folder (default: initshim/bin)"
    )
    parser.add_argument(
        "--no-cache", action="store_true", help="build it though it is in the cache"
    )
    given = parser.parse_args()
    if given.target == "all":
        targets = list(TARGETS.values())
    else:
        targets = [TARGETS[given.target] if given.target else this_machine()]
    for target in targets:
        for program in PROGRAMS.values():
            binary = build(target, given.out, program, cached=not given.no_cache)
            print(f"{binary}: {binary.stat().st_size} bytes")


def build(target: Target, out: Path, program: Program = REAPER, *, cached: bool = True) -> Path:
    """Build a program for one machine, or take it from the cache; the path of the executable."""
    file = program.file(target)
    if not cached:
        with tempfile.TemporaryDirectory(prefix="initshim-") as name:
            compile_in(Path(name), target, program)
            return put_beside(Path(name, file), out / file)
    kept = cache_folder() / fingerprint(repr(target), repr(program)) / file
    with made_once(kept) as missing:
        if missing:
            with tempfile.TemporaryDirectory(prefix="initshim-") as name:
                shutil.copytree(translated(program), name, dirs_exist_ok=True)
                compile_translated(Path(name), target, program)
                put_beside(Path(name, file), kept)
    return put_beside(kept, out / file)


def translated(program: Program) -> Path:
    """The folder of a program's C files in the cache, made where it is missing."""
    kept = cache_folder() / fingerprint(repr(program)) / "c"
    with made_once(kept) as missing:
        if missing:
            with tempfile.TemporaryDirectory(dir=kept.parent) as name:
                translate(Path(name, "c"), program)
                Path(name, "c").rename(kept)
    return kept


def compile_in(folder: Path, target: Target, program: Program) -> None:
    """Make the executable in an empty folder."""
    translate(folder, program)
    compile_translated(folder, target, program)


def compile_translated(folder: Path, target: Target, program: Program) -> None:
    """Make the executable in a folder that has the C files."""
    headers(target, folder / "include")
    (folder / "include" / "grammar.h").write_text(grammar.header())
    shutil.copyfile(HERE / "reaper.ld", folder / "reaper.ld")
    run(compiling(target, program), folder)


def compiling(target: Target, program: Program) -> list[str]:
    """What makes the executable of the C files, run by Python in their folder."""
    sources = [f"initshim/{module}.c" for module in program.modules]
    if not target.start:
        sources.remove("initshim/start.c")
    return [
        *("-m", "ziglang", "cc", "-target", target.zig, *CC),
        *("-Iinclude", f'-DINITSHIM_VERSION="initshim {__version__}\\n"'),
        *("-o", program.file(target), *sources),
    ]


def translate(folder: Path, program: Program) -> None:
    """Translate all modules to C, by one Cython."""
    sources = [f"initshim/{module}.py" for module in program.modules]
    declarations = [f"initshim/{file.relative_to(HERE)}" for file in HERE.rglob("*.pxd")]
    for name in (*sources, *declarations):
        copy = folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        (copy.parent / "__init__.py").touch()
        shutil.copyfile(HERE.parent / name, copy)
    (folder / "initshim" / "grammar.pxd").write_text(grammar.declarations())
    run(["-m", "cython", *CYTHON, *sources], folder)


def headers(target: Target, folder: Path) -> None:
    """Copy this Python's headers, which Cython's C includes, and make them fit the target."""
    include = Path(sysconfig.get_path("include"))
    if not (include / "Python.h").is_file():
        sys.exit(
            f"initshim.build: Python's headers are not in {include}; install them (python3-dev on "
            "Debian and Ubuntu, python3-devel on Fedora), or take a Python that brings them"
        )
    for name in {include, Path(sysconfig.get_path("platinclude"))}:
        shutil.copytree(name, folder, dirs_exist_ok=True)
    config = configuration(include).read_text()
    (folder / "pyconfig.h").write_text(resized(config) if target.word == 32 else config)


def configuration(include: Path) -> Path:
    """Find this Python's pyconfig.h: Debian's and Fedora's only include that of the machine."""
    machine = sysconfig.get_config_var("MULTIARCH") or ""
    by_machine = (
        include.parent / machine / include.name / "pyconfig.h",
        include / "pyconfig-64.h",
    )
    return next(filter(Path.is_file, by_machine), include / "pyconfig.h")


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
