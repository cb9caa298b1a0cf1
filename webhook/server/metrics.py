"""Prometheus metrics, named after Prometheus' conventions; an Observer of the engine."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from webhook.core.observe import CacheEvent, EventOutcome

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_REVIEW_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LOOKUP_BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_MOST_REGISTRIES = 100


class Metrics:
    """Counts what the engine tells; one object per server, with a registry of its own."""

    def __init__(self, version: str) -> None:
        self._registry = CollectorRegistry()
        self._registries: set[str] = set()
        self._reviews = Counter(
            "initshim_reviews", "Admission reviews answered.", ["result"], registry=self._registry
        )
        self._seconds = Histogram(
            "initshim_review_seconds",
            "Seconds from a review's last byte to its answer.",
            buckets=_REVIEW_BUCKETS,
            registry=self._registry,
        )
        self.in_flight = Gauge(
            "initshim_reviews_in_flight", "Reviews being answered.", registry=self._registry
        )
        self._containers = Counter(
            "initshim_containers",
            'Containers decided: "wrapped", or why not.',
            ["outcome"],
            registry=self._registry,
        )
        self._lookups = Counter(
            "initshim_registry_lookups",
            "Images looked up in registries.",
            ["registry", "outcome"],
            registry=self._registry,
        )
        self._lookup_seconds = Histogram(
            "initshim_registry_lookup_seconds",
            "Seconds that a registry lookup took.",
            buckets=_LOOKUP_BUCKETS,
            registry=self._registry,
        )
        self._cache = Counter(
            "initshim_cache_events",
            "What the cache of image configurations did.",
            ["event"],
            registry=self._registry,
        )
        self._events = Counter(
            "initshim_events",
            "Kubernetes Events that were to be written: written, failed or dropped.",
            ["outcome"],
            registry=self._registry,
        )
        self._dropped = Counter(
            "initshim_connections_dropped",
            "Connections cut off or turned away: too many, or no descriptors left.",
            ["reason"],
            registry=self._registry,
        )
        build = Gauge("initshim_build_info", "Always 1.", ["version"], registry=self._registry)
        build.labels(version).set(1)

    def reviewed(self, result: str, seconds: float) -> None:
        """Count an answered review."""
        self._reviews.labels(result).inc()
        self._seconds.observe(seconds)

    def dropped(self, reason: str) -> None:
        """Count a connection that the door did not let in, or cut off to make room."""
        self._dropped.labels(reason).inc()

    def container(self, outcome: str) -> None:
        """See Observer."""
        self._containers.labels(outcome).inc()

    def lookup(self, registry: str, outcome: str, seconds: float) -> None:
        """See Observer. Pod authors choose registries, so the number of labels is bounded."""
        if registry not in self._registries:
            if len(self._registries) >= _MOST_REGISTRIES:
                registry = "other"
            self._registries.add(registry)
        self._lookups.labels(registry, outcome).inc()
        self._lookup_seconds.observe(seconds)

    def cache(self, event: CacheEvent) -> None:
        """See Observer."""
        self._cache.labels(event).inc()

    def event(self, outcome: EventOutcome) -> None:
        """See Observer."""
        self._events.labels(outcome).inc()

    def note(self, event: str, **fields: object) -> None:
        """See Observer: a log line is no metric."""

    def watch_certificate(self, expiry: Callable[[], float | None]) -> None:
        """Show when the certificate expires; `expiry` gives Unix seconds, None without one."""
        self._registry.register(_Expiry(expiry))

    def exposition(self) -> bytes:
        """Give everything in Prometheus' text format."""
        return generate_latest(self._registry)


class _Expiry(Collector):
    """The certificate's expiry, asked for at each scrape and absent without a certificate."""

    def __init__(self, expiry: Callable[[], float | None]) -> None:
        self._expiry = expiry

    def collect(self) -> list[Metric]:
        """See prometheus_client's Collector."""
        when = self._expiry()
        family = GaugeMetricFamily(
            "initshim_certificate_expiry_timestamp_seconds",
            "Unix time at which the serving certificate expires.",
        )
        if when is not None:
            family.add_metric([], when)
        return [family]
