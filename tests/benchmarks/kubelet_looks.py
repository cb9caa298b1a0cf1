"""When the kubelet looks at all its pods: once a second, as its log has it.

A pod that is made when the one before has started is made a fixed time after such a look: its init
container then ends at one moment of the kubelet's second, and waits for the next look for so long,
forty times. So pods are made at moments that are spread evenly over that second.
"""

import random
import re
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

# klog's header: severity, month and day, time, thread, place.
_LINE = re.compile(
    r"^I(?P<day>\d{4}) (?P<at>\d\d:\d\d:\d\d\.\d{6}) +\d+ generic\.go:\d+\] (?P<text>.*)"
)
_LOOKS = '"GenericPLEG: Relisting"'
_EXITED = re.compile(r'^"GenericPLEG" .*containerID="(?P<id>\w+)".* newState="exited"')
_TAIL = 1 << 20


class Looks:
    """The kubelet's rhythm, read from the end of its log."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def wait(self, phase: float) -> None:
        """Sleep until so much (0 to 1) of the time between two looks has passed."""
        before, last = self._last()
        period = last - before
        now = time.time()
        moment = last + phase * period
        while moment < now:
            moment += period
        time.sleep(moment - now)

    def _last(self) -> tuple[float, float]:
        with self._log.open("rb") as file:
            file.seek(max(0, self._log.stat().st_size - _TAIL))
            lines = file.read().decode(errors="replace").splitlines()
        looks = [at for at, text in _messages(lines) if text == _LOOKS]
        assert len(looks) > 1, "the kubelet does not log its looks: --vmodule=generic=5"
        return looks[-2], looks[-1]


def spread(number: int, chance: random.Random) -> list[float]:
    """Give so many phases, evenly over the second, in no order."""
    phases = [(each + 0.5) / number for each in range(number)]
    chance.shuffle(phases)
    return phases


def ends_seen(lines: Iterable[str]) -> dict[str, float]:
    """Give when the kubelet saw each container ended, by its id."""
    seen: dict[str, float] = {}
    for at, text in _messages(lines):
        if found := _EXITED.match(text):
            seen.setdefault(found["id"], at)
    return seen


def _messages(lines: Iterable[str]) -> Iterator[tuple[float, str]]:
    year = datetime.now().year
    for line in lines:
        if found := _LINE.match(line):
            text = f"{year}{found['day']} {found['at']}"
            yield datetime.strptime(text, "%Y%m%d %H:%M:%S.%f").timestamp(), found["text"]
