"""The reaper: a PID 1 that reaps zombies, forwards signals and exits as its program did."""

from pathlib import Path

from initshim.targets import this_machine

__version__ = "0.1.0"


def path() -> Path:
    """The reaper's executable for this machine."""
    binary = Path(__file__).parent / "bin" / this_machine().file
    if not binary.is_file():
        raise FileNotFoundError(
            f"no reaper for this machine at {binary}: build it with `python -m initshim.build`"
        )
    return binary
