"""Counters and a histogram for what happens on a review's way, turned into series when asked.

prometheus_client's own take a lock for each count, so that any thread may count. All of this is
counted on the event loop's thread.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from time import time

from prometheus_client.core import CounterMetricFamily, Exemplar, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Counts(Collector):
    """A counter with one label; a value that is known is there, at zero, before it is counted."""

    def __init__(self, name: str, text: str, label: str, known: Sequence[str]) -> None:
        self._name, self._text, self._label = name, text, label
        self._counts = dict.fromkeys(map(str, known), 0)

    def add(self, *values: str) -> None:
        """Count one of each."""
        counts = self._counts
        for value in values:
            counts[value] = counts.get(value, 0) + 1

    def collect(self) -> list[Metric]:
        """See prometheus_client's Collector."""
        family = CounterMetricFamily(self._name, self._text, labels=[self._label])
        for value, count in self._counts.items():
            family.add_metric([value], count)
        return [family]


class Durations(Collector):
    """A histogram of seconds; each bucket keeps the last exemplar that was given."""

    def __init__(self, name: str, text: str, bounds: Sequence[float]) -> None:
        self._name, self._text, self._bounds = name, text, bounds
        self._counts = [0] * (len(bounds) + 1)
        self._exemplars: list[Exemplar | None] = [None] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, seconds: float, exemplar: Mapping[str, str] | None = None) -> None:
        """Count one; `exemplar` names its trace."""
        at = bisect_left(self._bounds, seconds)
        self._counts[at] += 1
        self._sum += seconds
        if exemplar:
            self._exemplars[at] = Exemplar(dict(exemplar), seconds, time())

    def collect(self) -> list[Metric]:
        """See prometheus_client's Collector."""
        family = Metric(self._name, self._text, "histogram")
        bounds = [*map(floatToGoString, self._bounds), "+Inf"]
        total = 0
        for bound, count, exemplar in zip(bounds, self._counts, self._exemplars, strict=True):
            total += count
            labels = {"le": bound}
            family.add_sample(f"{self._name}_bucket", labels, float(total), exemplar=exemplar)
        family.add_sample(f"{self._name}_count", {}, float(total))
        family.add_sample(f"{self._name}_sum", {}, self._sum)
        return [family]
