"""python -m tests.mutants.reaper: change the reaper's sources, build it, run its tests.

All modules are translated once, and for each change one of them anew. A change that does not
compile, or after which the executable is the same, is none. Killed is what a test of the executable
notices, or what hangs one. It fails where less than --floor are killed; those that survivors.toml
explains don't count.
"""

import argparse
import ast
import os
import random
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

from initshim import build
from initshim.targets import this_machine
from tests.mutants.changes import Change, changed, changes

ROOT = Path(__file__).parents[3]
SURVIVORS = Path(__file__).parents[1] / "survivors.toml"
SLOW = ("test_inside_real_containers",)
OTHERS = ("test_other_machines", "test_the_tests_themselves")
"""These build executables of their own."""
FIRST = ("test_it_exits_as_its_program_did", "test_it_forwards_every_signal")
TESTS = {
    "options": ("test_a_bad_command_line_starts_nothing", "test_options_do_what_they_say"),
    "text": ("test_a_bad_command_line_starts_nothing", "test_options_do_what_they_say"),
    "install": ("test_install_copies_itself",),
    "say": ("test_exec_failures_become_126_or_127", "test_a_bad_command_line_starts_nothing"),
    "search": ("test_exec_failures_become_126_or_127", "test_the_program_starts_as_without_it"),
    "start": ("test_the_program_starts_as_without_it", "test_exec_failures_become_126_or_127"),
    "spawn": ("test_the_program_starts_as_without_it", "test_exec_failures_become_126_or_127"),
    "terminal": ("test_the_terminal_belongs_to_the_program",),
    "linger": ("test_linger_ends_the_rest",),
    "reap": ("test_it_reaps_every_orphan",),
    "users": ("test_a_program_of_another_user_is_signalled",),
}
"""Which tests are the likeliest to notice; after them come all others."""


def main() -> int:
    """Give 0 where the floor is reached."""
    options = _options()
    explained = {each["change"] for each in tomllib.loads(SURVIVORS.read_text())["survivor"]}
    every = [each for each in all_changes() if each.name not in explained]
    every = [each for each in every if options.change in each.name]
    random.Random(options.seed).shuffle(every)
    wanted = len(every) if options.all else options.sample
    killed, survived = 0, 0
    with tempfile.TemporaryDirectory(prefix="initshim-mutants-") as name:
        Path(name).chmod(0o755)  # some tests run it as another user
        workshop = Workshop(Path(name))
        if noticed := _noticed(workshop.made, "reaper", options):
            sys.exit(f"The tests fail before anything is changed: {noticed}")
        print(f"reaper: {wanted} of {len(every)} changes, seed {options.seed}", flush=True)
        for change in every:
            if killed + survived == wanted:
                break
            elf = workshop.build(change)
            if elf is None:
                continue
            noticed = _noticed(elf, change.module.rpartition(".")[2], options)
            killed, survived = killed + bool(noticed), survived + (not noticed)
            print(f"  {noticed or 'SURVIVED'}: line {change.line}: {change.name}", flush=True)
    total = killed + survived
    share = killed / total if total else 1.0
    print(f"reaper: {killed} of {total} noticed, {share:.1%}")
    return int(share < options.floor)


def all_changes() -> Iterator[Change]:
    """Every change of the reaper's sources."""
    for module in build.REAPER.modules:
        source = (ROOT / "initshim" / f"{module}.py").read_text()
        lines = source.splitlines()
        for change in changes(f"initshim.{module}", source):
            # A larger buffer is no fault.
            if "cython.declare(" not in lines[change.line - 1]:
                yield change


class Workshop:
    """A folder in which all modules lie translated, to be compiled with a changed one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._target = this_machine()
        build.compile_in(folder, self._target, build.REAPER)
        self.made = folder / build.REAPER.file(self._target)
        self._first = self.made.read_bytes()

    def build(self, change: Change) -> Path | None:
        """The changed reaper's executable; None where it can't be built or is no other."""
        module = change.module.removeprefix("initshim.")
        source = self._folder / "initshim" / f"{module}.py"
        translated = source.with_suffix(".c")
        before, kept = source.read_text(), translated.read_text()
        try:
            source.write_text(ast.unparse(changed(before, change)))
            built = self._run("-m", "cython", *build.CYTHON, f"initshim/{module}.py")
            built = built and self._run(*build.compiling(self._target, build.REAPER))
        finally:
            source.write_text(before)
            translated.write_text(kept)
        return self.made if built and self.made.read_bytes() != self._first else None

    def _run(self, *arguments: str) -> bool:
        command = [sys.executable, *arguments]
        return not subprocess.run(
            command, cwd=self._folder, capture_output=True, check=False
        ).returncode


def _noticed(elf: Path, module: str, options: argparse.Namespace) -> str:
    """The test that notices, or an empty text: first the likeliest, then all others side by side.

    Most of them wait most of the time.
    """
    folder = ROOT / "tests" / "reaper"
    first = [folder / f"{name}.py" for name in (*TESTS.get(module, ()), *FIRST)]
    rest = [file for file in folder.glob("test_*.py") if file not in first]
    rest = [file for file in rest if file.stem not in OTHERS]
    rest.sort(key=lambda file: (file.stem in SLOW, file.stem))
    return _failed(elf, first, options, ()) or _failed(elf, rest, options, ("-n", options.jobs))


def _failed(elf: Path, files: list[Path], options: argparse.Namespace, how: tuple[str, ...]) -> str:
    """The first test that fails, and fails again alone: a busy machine makes one late, too."""
    for _ in range(2):
        failed = _first_failure(elf, [str(file) for file in files], options, how)
        if not failed or "::" not in failed or _first_failure(elf, [failed], options, ()):
            break
    return failed.split("::")[-1]


def _first_failure(
    elf: Path, tests: list[str], options: argparse.Namespace, how: tuple[str, ...]
) -> str:
    """The first test that fails; what waits longer than --deadline hangs."""
    deadline = options.deadline
    environment = {"INITSHIM_TEST_ELF": str(elf), "INITSHIM_TEST_DEADLINE": str(deadline)}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb", "no"]
    command += ["--timeout", str(3 * deadline), "-p", "no:randomly", *how, *tests]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    if done.returncode == 0:
        return ""
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    # Behind FAILED stands the test, with what it was given, blanks and all; behind " - ", why.
    said = failed[0].partition(" ")[2].partition(" - ")[0] if failed else ""
    return said or "a test that hung"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.reaper", description=__doc__)
    parser.add_argument("--change", default="", help="only changes with this in their line")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sample", type=int, default=40)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--floor", type=float, default=0.9)
    parser.add_argument("--deadline", type=int, default=20, help="seconds till a test gives up")
    parser.add_argument("--jobs", default="4", help="tests side by side, where many are left")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
