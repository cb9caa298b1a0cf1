"""What runs below a process, as /proc tells it."""

from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """One process; `start` is its start time in clock ticks, so that a pid is not mistaken."""

    pid: int
    parent: int
    state: str
    start: int


def below(root: int) -> list[Process]:
    """Give the processes below one, without itself."""
    children: dict[int, list[Process]] = {}
    for each in _all():
        children.setdefault(each.parent, []).append(each)
    found: list[Process] = []
    left = [root]
    while left:
        born = children.get(left.pop(), [])
        found += born
        left += [each.pid for each in born]
    return found


class Zombies:
    """Counts the dead that nobody has waited for.

    Every process is a zombie for an instant. One counts when it is dead in two looks in a row.
    """

    def __init__(self) -> None:
        self._dead: set[tuple[int, int]] = set()

    def count(self, root: int) -> int:
        """Look once more, and give how many there are below a process."""
        dead = {(each.pid, each.start) for each in below(root) if each.state == "Z"}
        lasting = dead & self._dead
        self._dead = dead
        return len(lasting)


def _all() -> list[Process]:
    found = (_process(path) for path in _PROC.iterdir() if path.name.isdigit())
    return [each for each in found if each]


def _process(path: Path) -> Process | None:
    try:
        stat = (path / "stat").read_text(errors="replace")
    except OSError:
        return None  # it has ended meanwhile
    fields = stat.rpartition(")")[2].split()  # a program's name may hold anything, a ) too
    return Process(int(path.name), int(fields[1]), fields[0], int(fields[19]))
