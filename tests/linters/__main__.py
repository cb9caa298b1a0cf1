"""python -m tests.linters: run them side by side, each on what has changed since it was content.

What can't be had here is named and left out, but not where INITSHIM_SKIP_NOTHING is set, as in CI.
"""

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.linters.programs import Missing, program
from tests.linters.table import CONFIG, LINTERS, ROOT, Linter

CACHE = ROOT / ".cache" / "linters"
NOTHING = "INITSHIM_SKIP_NOTHING"


def main() -> int:
    """Give 0 where all that ran are content, and nothing had to be left out that must not be."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lint, LINTERS))
    for linter, said in zip(LINTERS, results, strict=True):
        print(f"{linter.name}: {said or 'clean'}")
    bad = [said for said in results if said and (os.environ.get(NOTHING) or not _left_out(said))]
    return int(bool(bad))


def lint(linter: Linter) -> str:
    """Run one; give what it complains of, or why it can't be run."""
    try:
        found = program(linter)
    except Missing as missing:
        return f"left out: {missing}"
    files = linter.files()
    content = CACHE / f"{linter.name}-{_digest(linter, files)}"
    if content.exists():
        return ""
    command = [str(found), *linter.command(files)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"\n{done.stdout}{done.stderr}"
    for old in CACHE.glob(f"{linter.name}-*"):
        old.unlink()
    content.touch()
    return ""


def _left_out(said: str) -> bool:
    return said.startswith("left out")


def _digest(linter: Linter, files: list[str]) -> str:
    """Tell one state of all that its answer depends on from another."""
    own = [str(file.relative_to(ROOT)) for file in Path(__file__).parent.glob("*.py")]
    config = [f"{CONFIG}/{linter.config}"] if linter.config else []
    read = hashlib.sha256()
    for file in (*sorted(own), *config, *files):
        read.update(file.encode() + b"\0" + (ROOT / file).read_bytes())
    return read.hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main())
