"""Files that have no reason to be large, read with a cap."""

from pathlib import Path

LARGEST = 1 << 20


def read_capped(path: Path, largest: int = LARGEST) -> bytes:
    """Give a file's content; one of more than `largest` bytes is an OSError that says so."""
    with path.open("rb") as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise OSError(f"{path} is larger than {largest >> 10} KiB")
    return content
