"""Files that have no reason to be large, read with a cap."""

from pathlib import Path
from typing import BinaryIO

LARGEST = 1 << 20


def read_capped(path: Path, largest: int = LARGEST) -> bytes:
    """Give a file's content; one of more than `largest` bytes is an OSError that says so."""
    with path.open("rb") as file:
        return read_stream(file, str(path), largest)


def read_stream(stream: BinaryIO, name: str, largest: int) -> bytes:
    """Give what a stream has left; more than `largest` bytes are an OSError that says so."""
    content = stream.read(largest + 1)
    if len(content) > largest:
        raise OSError(f"{name} is larger than {largest >> 10} KiB")
    return content
