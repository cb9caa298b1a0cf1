"""What the generator measured: each request's wait, and what became of it."""

import statistics
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_AFTER = 90.0  # seconds that the last requests may take beyond the time of sending


@dataclass(frozen=True, slots=True)
class Sent:
    """One request: seconds after the start at which it was due, seconds until its answer."""

    due: float
    latency: float
    attempts: int
    outcome: str


@dataclass(frozen=True, slots=True)
class Figures:
    """All requests of a run."""

    sent: tuple[Sent, ...]

    def quantile(self, share: float) -> float:
        """Give the milliseconds within which this share of all requests was answered."""
        ordered = sorted(each.latency for each in self.sent)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    @property
    def outcomes(self) -> Counter[str]:
        """How often each outcome came."""
        return Counter(each.outcome for each in self.sent)

    @property
    def failed(self) -> Counter[str]:
        """What was neither answered nor created: by name."""
        good = {"wrapped", "unwrapped", "created"}
        return Counter(each.outcome for each in self.sent if each.outcome not in good)

    @property
    def rate(self) -> float:
        """Requests answered in a second."""
        ends = [each.due + each.latency for each in self.sent]
        return len(ends) / (max(ends) - min(each.due for each in self.sent))

    def by_second(self) -> Mapping[int, float]:
        """Give the median milliseconds of each second's requests."""
        seconds: dict[int, list[float]] = {}
        for each in self.sent:
            seconds.setdefault(int(each.due), []).append(each.latency)
        return {at: 1000 * statistics.median(found) for at, found in sorted(seconds.items())}


@dataclass(slots=True)
class Load:
    """A generator that runs."""

    process: subprocess.Popen[str]
    out: Path
    _figures: Figures | None = field(default=None)

    def wait(self, seconds: float) -> Figures:
        """Wait until everything was answered, and give the figures."""
        if self._figures is None:
            assert self.process.wait(seconds + _AFTER) == 0, "the generator failed"
            self._figures = read(self.out)
        return self._figures


def read(path: Path) -> Figures:
    """Read the generator's lines; the last field is an answer's text, which may hold anything."""
    rows = (line.split(",", 3) for line in path.read_text().splitlines())
    return Figures(
        tuple(
            Sent(int(due) / 1e6, int(latency) / 1e6, int(attempts), outcome)
            for due, latency, attempts, outcome in rows
        )
    )


@contextmanager
def generating(program: Path, out: Path, **options: object) -> Iterator[Load]:
    """Run the generator with these options, named as its flags are; `True` is a bare flag."""
    flags = [f"-{name.rstrip('_')}={_value(value)}" for name, value in options.items()]
    with out.open("w") as lines:
        process = subprocess.Popen([program, *flags], stdout=lines, text=True)
    try:
        yield Load(process, out)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
