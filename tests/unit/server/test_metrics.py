"""The metrics: names, labels and bounds that dashboards and alerts rely on."""

from collections.abc import Iterable

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.fakes.reviews import body, pod, unresolved
from tests.unit.server.door import Door, get, post
from webhook.server.metrics import Metrics


def families(metrics: Metrics) -> dict[str, Metric]:
    text = metrics.exposition().decode()
    found = text_string_to_metric_families(text)
    return {family.name: family for family in found if not family.name.endswith("_created")}


def labels(families: Iterable[Metric]) -> dict[str, set[str]]:
    return {
        family.name: {label for sample in family.samples for label in sample.labels}
        for family in families
    }


def full() -> Metrics:
    metrics = Metrics("1.2.3")
    metrics.reviewed("patched", 0.01)
    metrics.container("wrapped")
    metrics.lookup("docker.io", "ok", 0.3)
    metrics.cache("hit")
    metrics.event("written")
    metrics.dropped("full")
    metrics.watch_certificate(lambda: 1.8e9)
    return metrics


def test_the_names_and_labels_are_these() -> None:
    assert labels(families(full()).values()) == {
        "initshim_reviews": {"result"},
        "initshim_review_seconds": {"le"},
        "initshim_reviews_in_flight": set(),
        "initshim_containers": {"outcome"},
        "initshim_registry_lookups": {"registry", "outcome"},
        "initshim_registry_lookup_seconds": {"le"},
        "initshim_cache_events": {"event"},
        "initshim_events": {"outcome"},
        "initshim_connections_dropped": {"reason"},
        "initshim_build_info": {"version"},
        "initshim_certificate_expiry_timestamp_seconds": set(),
    }


def test_counters_end_in_total_and_each_family_has_a_help_text() -> None:
    for family in families(full()).values():
        assert family.documentation.endswith(".")
        if family.type == "counter":
            assert any(sample.name.endswith("_total") for sample in family.samples)


def test_a_review_is_counted_by_its_result() -> None:
    door = Door()
    post(door, body())
    post(door, body(pod(containers=[unresolved()])))
    post(door, body(operation="DELETE"))
    post(door, b"none")
    post(door, body(), headers={})
    counter = families(door.metrics)["initshim_reviews"]
    counts = {
        sample.labels["result"]: sample.value
        for sample in counter.samples
        if sample.name == "initshim_reviews_total"
    }
    assert counts == {"patched": 1, "unchanged": 1, "ignored": 1, "refused": 2}


def test_containers_are_counted_by_reason() -> None:
    door = Door()
    post(door, body(pod(containers=[*pod()["spec"]["containers"], unresolved("other")])))
    text = door.metrics.exposition().decode()
    assert 'initshim_containers_total{outcome="wrapped"} 1.0' in text
    assert 'initshim_containers_total{outcome="lookup-off"} 1.0' in text


def test_pod_authors_choose_registries_and_can_not_make_labels_without_end() -> None:
    metrics = Metrics("1")
    for number in range(1000):
        metrics.lookup(f"registry-{number}.example", "ok", 0.1)
    family = families(metrics)["initshim_registry_lookups"]
    registries = {sample.labels["registry"] for sample in family.samples}
    assert len(registries) <= 101
    assert "other" in registries


def test_without_a_certificate_there_is_no_expiry() -> None:
    metrics = Metrics("1")
    metrics.watch_certificate(lambda: None)
    assert families(metrics)["initshim_certificate_expiry_timestamp_seconds"].samples == []


def test_prometheus_reads_the_content_type() -> None:
    answer = get(Door().probes, "/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
