"""Prometheus metrics, named after Prometheus' conventions; an Observer of the engine.

`docs/metrics.md` is made from the help texts. A counter is there, at zero, before what it counts
happens for the first time: else nobody would see the first time.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from webhook.core.observe import CacheEvent, EventOutcome, Silent
from webhook.core.reasons import Reason
from webhook.server.counts import Counts, Durations

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
RESULTS = ("patched", "unchanged", "ignored", "denied", "failed", "refused")
# A review that needs no registry takes a millisecond; the API server gives up after 10 seconds.
_REVIEW_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LOOKUP_BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics(Silent, Collector):
    """Counts what the engine tells; one object per server, with a registry of its own."""

    def __init__(
        self, version: str, *, exemplar: Callable[[], Mapping[str, str] | None] | None = None
    ) -> None:
        """`exemplar` names the trace of the review that was just answered: `{"trace_id": …}`.

        Where it is given, whoever asks for OpenMetrics gets it, with exemplars.
        """
        self._registry = registry = CollectorRegistry()
        self._exemplar = exemplar
        self._reviews = self._counter(
            "initshim_reviews",
            "Admission reviews answered: patched, unchanged, ignored (not the creation of a pod), "
            "denied, failed (our own mistake: the pod passed as it came), refused (no review).",
            "result",
            RESULTS,
        )
        self._seconds = Durations(
            "initshim_review_seconds",
            "Seconds from a review's last byte to its answer.",
            _REVIEW_BUCKETS,
        )
        registry.register(self._seconds)
        self.in_flight = 0
        Gauge(
            "initshim_reviews_in_flight", "Reviews being answered.", registry=registry
        ).set_function(lambda: float(self.in_flight))
        self._containers = self._counter(
            "initshim_containers",
            'Containers decided: "wrapped", or the reason why one was left alone; a pod that was '
            "left alone as a whole counts once.",
            "outcome",
            ("wrapped", *Reason),
        )
        self._lookups: Final = Counter(
            "initshim_registry_lookups",
            'Images looked up in registries: "ok", or the reason why not. Registries that are '
            'configured have their name, and the first 50 others; the rest are "other".',
            ["registry", "outcome"],
            registry=registry,
        )
        self._lookup_seconds: Final = Histogram(
            "initshim_registry_lookup_seconds",
            "Seconds that looking an image up took, all requests of it.",
            ["registry"],
            buckets=_LOOKUP_BUCKETS,
            registry=registry,
        )
        self._cache = self._counter(
            "initshim_cache_events",
            "Images asked of the cache: hit, miss (a lookup began), joined (one was under way "
            "already), stale (an expired answer was used, its registry being down).",
            "event",
            get_args(CacheEvent),
        )
        self._events = self._counter(
            "initshim_events",
            "Kubernetes Events that were to be written: written, failed or dropped.",
            "outcome",
            get_args(EventOutcome),
        )
        self._dropped = self._counter(
            "initshim_connections_dropped",
            "Connections that were not served: too many (full), no descriptors left, a client that "
            "does not trust our certificate (distrusted), or shows none that we trust (unknown).",
            "reason",
            ("full", "descriptors", "distrusted", "unknown"),
        )
        self._ready: Final = Gauge(
            "initshim_ready",
            "1 while the webhook takes reviews: its certificate is served and published, and it "
            "does not drain; else 0.",
            registry=registry,
        )
        self._image_volumes: Final = Gauge(
            "initshim_image_volumes",
            "1 while pods get the reaper's image as a volume; 0 while they get an init container.",
            registry=registry,
        )
        self._unable: Final = Gauge(
            "initshim_nodes_without_image_volumes",
            "With `delivery: auto`: Linux nodes that can't mount images, and keep pods from it.",
            registry=registry,
        )
        build = Gauge("initshim_build_info", "Always 1.", ["version"], registry=registry)
        build.labels(version).set(1)
        ProcessCollector(registry=registry)

    def _counter(self, name: str, text: str, label: str, known: tuple[str, ...]) -> Counts:
        counts = Counts(name, text, label, known)
        self._registry.register(counts)
        return counts

    def reviewed(self, result: str, seconds: float | None) -> None:
        """Count an answered review; `seconds` is None for what was refused unread."""
        self._reviews.add(result)
        if seconds is not None:
            self._seconds.observe(seconds, self._exemplar() if self._exemplar else None)

    def dropped(self, reason: str) -> None:
        """Count a connection that was not let in, or was cut off to make room."""
        self._dropped.add(reason)

    def containers(self, outcomes: Iterable[str]) -> None:
        """See Observer."""
        self._containers.add(*outcomes)

    def lookup(self, registry: str, outcome: str, seconds: float) -> None:
        """See Observer."""
        self._lookups.labels(registry, outcome).inc()
        self._lookup_seconds.labels(registry).observe(seconds)

    def cache(self, event: CacheEvent) -> None:
        """See Observer."""
        self._cache.add(event)

    def event(self, outcome: EventOutcome) -> None:
        """See Observer."""
        self._events.add(outcome)

    def watch_certificate(self, expiry: Callable[[], Mapping[str, float]]) -> None:
        """Show when the `leaf` and its `authority` expire; `expiry` gives Unix seconds of each."""
        self._registry.register(_Expiry(expiry))

    def watch_readiness(self, ready: Callable[[], bool]) -> None:
        """Show whether reviews are taken; asked at each scrape."""
        self._ready.set_function(lambda: float(ready()))

    def watch_delivery(self, possible: Callable[[], bool], unable: Callable[[], int]) -> None:
        """Show how the reaper gets into pods, and how many nodes keep it from image volumes."""
        self._image_volumes.set_function(lambda: float(possible()))
        self._unable.set_function(lambda: float(unable()))

    def collect(self) -> Iterator[Metric]:
        """Give everything, but for the time at which each counter was made: nobody asks."""
        for family in self._registry.collect():
            kept = [each for each in family.samples if not each.name.endswith("_created")]
            family.samples = kept
            yield family

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """Give everything in the format that `accept`, an HTTP header, asks for, and its type.

        That is Prometheus' text format, or OpenMetrics where there are exemplars: the text format
        has no place for them.
        """
        if self._exemplar and "application/openmetrics-text" in accept:
            text: bytes = openmetrics(self)  # type: ignore[no-untyped-call]
            return text, CONTENT_TYPE_LATEST
        return generate_latest(self), CONTENT_TYPE


class _Expiry(Collector):
    """The certificates' ends, asked for at each scrape; one that is not there has no series."""

    def __init__(self, expiry: Callable[[], Mapping[str, float]]) -> None:
        self._expiry = expiry

    def collect(self) -> list[Metric]:
        """See prometheus_client's Collector."""
        family = GaugeMetricFamily(
            "initshim_certificate_expiry_timestamp_seconds",
            "Unix time at which a certificate expires: the leaf that is served, or the authority "
            "that signed it, where the webhook made that itself.",
            labels=["certificate"],
        )
        for name, when in self._expiry().items():
            family.add_metric([name], when)
        return [family]
