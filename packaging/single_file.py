#!/usr/bin/env python3
"""Build the command line as one file that any Python from 3.11 on runs: dist/initshim-linux-amd64.

    python packaging/single_file.py [--target amd64] [--dist dist]

Beside it comes kubectl-initshim-linux-amd64.tar.gz, which is what krew installs.

A wheel of ours is taken from `--dist`, and everything that it needs is packed beside it, for each
Python. The file is a zip with a first line that starts Python (PEX); it unpacks itself once, below
~/.cache/pex. Nothing is built: what has no wheel for a Python stops the build.
"""

import argparse
import gzip
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from packaging.tags import compatible_tags, cpython_tags

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 14))
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
# glibc's, the newest first: 2.28 is Debian 10's, and the newest that the wheels ask for.
_GLIBC = range(28, 16, -1)
# The pip that PEX brings knows neither these tags nor today's metadata.
_PIP = "25.3"


def platform(python: tuple[int, int], machine: str) -> dict[str, object]:
    """Describe a Python on Linux to PEX: what environment markers say, and which wheels fit."""
    version = ".".join(map(str, python))
    tags = [f"manylinux_2_{minor}_{machine}" for minor in _GLIBC]
    platforms = [*tags, f"manylinux2014_{machine}", f"linux_{machine}"]
    return {
        "path": f"/usr/bin/python{version}",
        "marker_environment": {
            "implementation_name": "cpython",
            "implementation_version": f"{version}.0",
            "os_name": "posix",
            "platform_machine": machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"{version}.0",
            "python_version": version,
            "sys_platform": "linux",
        },
        "compatible_tags": [str(tag) for tag in _tags(python, platforms)],
    }


def _tags(python: tuple[int, int], platforms: list[str]) -> Iterator[object]:
    interpreter = "cp{}{}".format(*python)
    yield from cpython_tags(python, abis=[interpreter], platforms=platforms)
    yield from compatible_tags(python, interpreter=interpreter, platforms=platforms)


def build(wheel: Path, machine: str, out: Path) -> None:
    """Pack the wheel's command line into one file."""
    with tempfile.TemporaryDirectory() as folder:
        options = []
        for python in PYTHONS:
            file = Path(folder, "cp{}{}.json".format(*python))
            file.write_text(json.dumps(platform(python, machine)))
            options += ["--complete-platform", str(file)]
        subprocess.run(
            [
                sys.executable, "-m", "pex", f"{wheel}[cli]", "--script", "initshim",
                "--output-file", str(out), "--pip-version", _PIP, "--no-build",
                "--python-shebang", "#!/usr/bin/env python3", "--venv", "prepend", *options,
            ],
            check=True,
        )  # fmt: skip


def pack(program: Path, out: Path) -> None:
    """Put the program and the license into the archive that krew takes, always the same bytes."""
    with (
        out.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as archive,
    ):
        for name, source, mode in (
            ("kubectl-initshim", program, 0o755),
            ("LICENSE", ROOT / "LICENSE", 0o644),
        ):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = source.stat().st_size, mode
            with source.open("rb") as content:
                archive.addfile(entry, content)


def main() -> None:
    """Build for one machine."""
    options = argparse.ArgumentParser(description="Build the command line as one file.")
    options.add_argument("--target", choices=MACHINES, default="amd64")
    options.add_argument("--dist", type=Path, default=Path("dist"))
    given = options.parse_args()
    machine = MACHINES[given.target]
    wheels = sorted(given.dist.glob(f"initshim-*_{machine}.whl"))
    if len(wheels) != 1:
        sys.exit(
            f"{given.dist} has {len(wheels)} wheels for {machine}, and one is needed: make dist"
        )
    program = given.dist / f"initshim-linux-{given.target}"
    build(wheels[0], machine, program)
    pack(program, given.dist / f"kubectl-initshim-linux-{given.target}.tar.gz")


if __name__ == "__main__":
    main()
