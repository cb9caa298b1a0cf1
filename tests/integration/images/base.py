"""A base image made of this machine's own Python, so that no test pulls one.

It has what python:slim gives the Dockerfile: python3 under /usr/local with pip, headers and the
shared libraries that they need, and /bin/sh for RUN.
"""

import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path

UNUSED = (
    "test",
    "tests",
    "site-packages",
    "dist-packages",
    "idlelib",
    "tkinter",
    "turtledemo",
    "EXTERNALLY-MANAGED",  # Debian's: no image of python's has it
)
# What a manylinux wheel may expect of every machine (PEP 600), as far as wheels in use do.
PROMISED = ("libdl.so.2", "libgcc_s.so.1", "libpthread.so.0", "librt.so.1", "libstdc++.so.6")
# Debian's own Python looks for packages under another name, and has a scheme more to say so.
PACKAGES = "dist-packages" if "posix_local" in sysconfig.get_scheme_names() else "site-packages"
VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"


def make(root: Path) -> None:
    """Fill a folder with the base's files."""
    library = root / "usr/local/lib" / VERSION
    drop = shutil.ignore_patterns(*UNUSED, "config-*", "__pycache__")
    shutil.copytree(sysconfig.get_path("stdlib"), library, ignore=drop, symlinks=False)
    include = Path(sysconfig.get_path("include"))
    for headers in {include, Path(sysconfig.get_path("platinclude"))}:
        shutil.copytree(headers, root / "usr/local/include" / VERSION, dirs_exist_ok=True)
    machine = str(sysconfig.get_config_var("MULTIARCH"))
    own = Path(machine) / VERSION
    if (include.parent / own).is_dir():  # Debian's: what differs by machine
        shutil.copytree(include.parent / own, root / "usr/local/include" / own)
    _copy_pip(library / PACKAGES)
    binary = root / "usr/local/bin/python3"
    _copy(Path(sys.executable).resolve(), binary)
    _copy(Path("/bin/sh").resolve(), root / "bin/sh")
    programs = [Path(sys.executable).resolve(), Path("/bin/sh"), *library.rglob("*.so")]
    for shared in _libraries(programs) | _promised():
        _copy(shared, root / shared.relative_to("/"))
    temporary = root / "tmp"
    temporary.mkdir()
    temporary.chmod(0o1777)
    (root / "etc").mkdir()
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")


def _copy_pip(place: Path) -> None:
    pip = distribution("pip")
    for file in pip.files or ():
        if file.suffix != ".pyc" and ".." not in file.parts:
            _copy(Path(str(pip.locate_file(file))), place / str(file))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def _libraries(programs: Iterable[Path]) -> set[Path]:
    """Give every shared library that the programs load, the loader itself included."""
    found: set[Path] = set()
    for program in programs:
        said = subprocess.run(
            ["ldd", str(program)], capture_output=True, text=True, check=False
        ).stdout
        found |= {Path(path) for path in re.findall(r"(/\S+) \(0x", said)}
    return found


def _promised() -> set[Path]:
    """Find what compiled wheels take for granted, in the loader's cache."""
    command = ["/sbin/ldconfig", "-p"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    cache = dict(re.findall(r"^\s(\S+) \(libc6,x86-64.*\) => (\S+)$", said, re.MULTILINE))
    return {Path(cache[name]) for name in PROMISED if name in cache}
