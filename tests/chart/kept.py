"""What helm renders of a chart, kept beside helm: its version, chart and values say all of it."""

import functools
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from initshim.cache import made_once
from tests.chart import tools

_FOLDER = tools.CACHE / "rendered"


def once(make: Callable[[], Any], chart: Path, values: Path | None, words: Sequence[str]) -> Any:
    """Give what was made before of this chart, values and words; who comes second waits for it."""
    of = hashlib.sha256(json.dumps(words).encode())
    for file in [values, *(word.rpartition("=")[2] for word in words)]:
        of.update(_content(file) + b"\0")
    found = _of_chart(chart) / f"{of.hexdigest()}.json"
    with made_once(found) as missing:
        if missing:
            beside = found.with_suffix(f".{os.getpid()}")
            beside.write_text(json.dumps(make()))
            beside.replace(found)
    return json.loads(found.read_text())


def _content(file: Path | str | None) -> bytes:
    """The content of a file; of what is none, nothing: that word stands for itself."""
    try:
        return Path(file).read_bytes() if file else b""
    except (OSError, ValueError):
        return b""


@functools.cache
def _of_chart(chart: Path) -> Path:
    """The folder for this chart; those for the chart as it was are removed."""
    of = hashlib.sha256(tools.WHEEL.encode())
    for file in sorted(each for each in chart.rglob("*") if each.is_file()):
        of.update(f"{file.relative_to(chart)}\0".encode() + file.read_bytes() + b"\0")
    folder = _FOLDER / of.hexdigest()
    for old in _FOLDER.glob("*"):
        if old != folder:
            shutil.rmtree(old, ignore_errors=True)
    return folder
