"""An hour in ten minutes: does memory stay flat? `make soak`.

Compressed are the reviews (180,000: 50 a second for an hour, sent at 300 a second), the images
(3,000 distinct ones, three times what the cache holds), the connections (6,000, each for one
review) and the certificates (CAs that last 45 s, leaves that last 12 s: decades of rotations).
Not compressed are timers that count in minutes: keep-alive, the cache's own day.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests import leftovers, tables
from tests.integration.controlplane.assets import Missing
from tests.integration.faults.load import Figures
from tests.integration.faults.stage import Stage, stage

SECONDS = 600.0
RATE = 300.0
CHURN = 10.0  # reviews a second that come on a connection, and with an image, of their own
IMAGES = 3000
_EVERY = 2.0
_WARM = 0.3  # of the time: caches, pools and the allocator fill
_MOST_GROWTH = 0.05  # of the memory, from the first minutes after that to the last ones


@dataclass(frozen=True, slots=True)
class Soak:
    """Memory of each replica over time, in bytes, and what was sent."""

    samples: Sequence[tuple[float, Sequence[int]]]
    figures: Figures
    churn: Figures
    rotations: str

    @property
    def settled(self) -> list[tuple[float, Sequence[int]]]:
        """The samples after everything has warmed up."""
        start = self.samples[-1][0] * _WARM
        return [each for each in self.samples if each[0] >= start]

    def slope(self, replica: int) -> float:
        """Give the growth of a replica in KiB for each thousand reviews."""
        times = [at for at, _ in self.settled]
        sizes = [found[replica] for _, found in self.settled]
        a_second = statistics.linear_regression(times, sizes).slope
        return a_second / 1024 / (RATE / len(self.samples[0][1])) * 1000

    def growth(self, replica: int) -> float:
        """Give the last quarter's median over the first quarter's, less one."""
        sizes = [found[replica] for _, found in self.settled]
        quarter = max(1, len(sizes) // 4)
        return statistics.median(sizes[-quarter:]) / statistics.median(sizes[:quarter]) - 1

    def bounds(self, replica: int) -> tuple[int, int]:
        """Give the least and the most memory, in MiB."""
        sizes = [found[replica] >> 20 for _, found in self.settled]
        return min(sizes), max(sizes)


def soak(on: Stage, *, seconds: float) -> Soak:
    """Send for so long, and look at the memory meanwhile."""
    with ExitStack() as stack:
        steady = stack.enter_context(on.reviewing(seconds=seconds, rate=RATE))
        churn = stack.enter_context(
            on.reviewing(seconds=seconds, rate=CHURN, renew=True, images=IMAGES)
        )
        start, samples = time.monotonic(), []
        while (at := time.monotonic() - start) < seconds:
            on.copy_bundle()
            samples.append((at, [each.memory for each in on.fleet.replicas]))
            time.sleep(_EVERY)
        figures, renewed = steady.wait(seconds), churn.wait(seconds)
    leaves = on.fleet.logged("certificate-loaded")
    authorities = on.fleet.logged("certificate-authority-loaded")
    return Soak(samples, figures, renewed, f"{authorities} CAs and {leaves} leaves")


def table(done: Soak) -> str:
    """Give the table of what each replica held."""
    rows = ["| replica | least | most | slope | growth |", "|---|---:|---:|---:|---:|"]
    for replica in range(len(done.samples[0][1])):
        least, most = done.bounds(replica)
        rows.append(
            f"| {replica + 1} | {least} MiB | {most} MiB "
            f"| {done.slope(replica):+.2f} KiB for 1,000 reviews | {done.growth(replica):+.1%} |"
        )
    sent = done.figures.outcomes + done.churn.outcomes
    said = ", ".join(f"{count:,} {what}" for what, count in sent.items())
    return "\n".join(rows) + (
        f"\n\nIn {done.samples[-1][0] + _EVERY:.0f} s: {said}. Rotations: {done.rotations}. "
        f"p50 {done.figures.quantile(0.5):.1f} ms, p99 {done.figures.quantile(0.99):.1f} ms."
    )


def main(seconds: float) -> int:
    """Soak, write it down, and tell whether memory stayed flat and every call was answered."""
    variables = {"LIVES": "quick", "INITSHIM_CACHE_ENTRIES": str(IMAGES // 3)}
    with (
        tempfile.TemporaryDirectory() as folder,
        stage(Path(folder), environment=variables, disk_size=512) as on,
    ):
        done = soak(on, seconds=seconds)
    text = table(done)
    print(text)
    tables.write_between_marks("soak", text)
    grown = max(done.growth(replica) for replica in range(len(done.samples[0][1])))
    failed = done.figures.failed + done.churn.failed
    if grown > _MOST_GROWTH or failed:
        print(f"not flat: {grown:+.1%}; failed: {dict(failed)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    leftovers.end_with_this_process()
    try:
        sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS))
    except Missing as missing:
        sys.exit(f"make soak {missing}")
