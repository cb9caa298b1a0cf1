"""The metrics: names, labels and bounds that dashboards and alerts rely on."""

import subprocess
from collections.abc import Iterable
from typing import get_args

from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families

from tests.fakes.reviews import body, pod, unresolved
from tests.reaper import need
from tests.unit.server.application import Application, get, post
from webhook.core.observe import CacheEvent
from webhook.core.reasons import Reason
from webhook.server.metrics import CONTENT_TYPE, RESULTS, Metrics
from webhook.server.observers import FanOut


def families(metrics: Metrics) -> dict[str, Metric]:
    text = metrics.exposition()[0].decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def ours(metrics: Metrics) -> list[Metric]:
    return [each for each in families(metrics).values() if each.name.startswith("initshim_")]


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    for family in families(metrics).values():
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    return None


def labels(families: Iterable[Metric]) -> dict[str, set[str]]:
    return {
        family.name: {label for sample in family.samples for label in sample.labels}
        for family in families
    }


def full() -> Metrics:
    metrics = Metrics("1.2.3")
    metrics.reviewed("patched", 0.01)
    metrics.containers(["wrapped"])
    metrics.lookup("docker.io", "ok", 0.3)
    metrics.cache("hit")
    metrics.event("written")
    metrics.dropped("full")
    metrics.watch_certificate(lambda: {"leaf": 1.8e9})
    metrics.watch_readiness(lambda: True)
    return metrics


def test_the_names_and_labels_are_these() -> None:
    assert labels(ours(full())) == {
        "initshim_reviews": {"result"},
        "initshim_review_seconds": {"le"},
        "initshim_reviews_in_flight": set(),
        "initshim_containers": {"outcome"},
        "initshim_registry_lookups": {"registry", "outcome"},
        "initshim_registry_lookup_seconds": {"registry", "le"},
        "initshim_cache_events": {"event"},
        "initshim_events": {"outcome"},
        "initshim_connections_dropped": {"reason"},
        "initshim_build_info": {"version"},
        "initshim_ready": set(),
        "initshim_image_volumes": set(),
        "initshim_nodes_without_image_volumes": set(),
        "initshim_certificate_expiry_timestamp_seconds": {"certificate"},
    }


def test_each_value_stands_under_its_own_label() -> None:
    metrics = full()
    one = {
        "initshim_reviews_total": {"result": "patched"},
        "initshim_containers_total": {"outcome": "wrapped"},
        "initshim_registry_lookups_total": {"registry": "docker.io", "outcome": "ok"},
        "initshim_registry_lookup_seconds_count": {"registry": "docker.io"},
        "initshim_cache_events_total": {"event": "hit"},
        "initshim_events_total": {"outcome": "written"},
        "initshim_connections_dropped_total": {"reason": "full"},
        "initshim_build_info": {"version": "1.2.3"},
    }
    assert {name: value(metrics, name, **labels) for name, labels in one.items()} == dict.fromkeys(
        one, 1.0
    )
    assert value(metrics, "initshim_certificate_expiry_timestamp_seconds", certificate="leaf")


def test_a_review_is_counted_in_every_bucket_that_it_fits() -> None:
    metrics = Metrics("1")
    for seconds in (0.0005, 0.003, 20.0):  # a bound counts as inside
        metrics.reviewed("patched", seconds)
    buckets = {
        bound: value(metrics, "initshim_review_seconds_bucket", le=bound)
        for bound in ("0.0005", "0.002", "0.005", "10.0", "+Inf")
    }
    assert buckets == {"0.0005": 1, "0.002": 1, "0.005": 2, "10.0": 2, "+Inf": 3}
    assert value(metrics, "initshim_review_seconds_count") == 3
    assert value(metrics, "initshim_review_seconds_sum") == 20.0035


def test_counters_end_in_total_and_each_family_has_a_help_text() -> None:
    for family in families(full()).values():
        assert family.documentation.endswith(".")
        if family.type == "counter":
            assert any(sample.name.endswith("_total") for sample in family.samples)


def test_a_review_is_counted_by_its_result() -> None:
    application = Application()
    post(application, body())
    post(application, body(pod(containers=[unresolved()])))
    post(application, body(operation="DELETE"))
    post(application, b"none")
    post(application, body(), headers={})
    counter = families(application.metrics)["initshim_reviews"]
    counts = {
        sample.labels["result"]: sample.value
        for sample in counter.samples
        if sample.name == "initshim_reviews_total" and sample.value
    }
    assert counts == {"patched": 1, "unchanged": 1, "ignored": 1, "refused": 2}


def test_containers_are_counted_by_reason() -> None:
    application = Application()
    post(application, body(pod(containers=[*pod()["spec"]["containers"], unresolved("other")])))
    text = application.metrics.exposition()[0].decode()
    assert 'initshim_containers_total{outcome="wrapped"} 1.0' in text
    assert 'initshim_containers_total{outcome="lookup-off"} 1.0' in text


def test_a_counter_is_there_before_what_it_counts_happens() -> None:
    # Else rate() would not see the first time, and an alert would wait for the second.
    metrics = Metrics("1")
    for result in RESULTS:
        assert value(metrics, "initshim_reviews_total", result=result) == 0
    for reason in Reason:
        assert value(metrics, "initshim_containers_total", outcome=reason) == 0
    for event in get_args(CacheEvent):
        assert value(metrics, "initshim_cache_events_total", event=event) == 0


def test_what_was_refused_unread_does_not_make_reviews_look_fast() -> None:
    application = Application()
    post(application, b"none")
    post(application, body(), headers={})
    assert value(application.metrics, "initshim_review_seconds_count") == 0
    post(application, body())
    assert value(application.metrics, "initshim_review_seconds_count") == 1


def test_the_buckets_reach_the_api_servers_deadline() -> None:
    metrics = Metrics("1")
    metrics.reviewed("patched", 9.9)
    assert value(metrics, "initshim_review_seconds_bucket", le="10.0") == 1
    assert value(metrics, "initshim_review_seconds_bucket", le="5.0") == 0


def test_there_is_one_series_for_each_fact_and_none_for_when_it_was_made() -> None:
    assert "_created" not in full().exposition()[0].decode()


def test_readiness_is_asked_at_each_scrape() -> None:
    metrics = Metrics("1")
    states = [True, False]
    metrics.watch_readiness(states.pop)
    assert [value(metrics, "initshim_ready") for _ in range(2)] == [0, 1]


def test_the_process_is_measured_too() -> None:
    assert (value(Metrics("1"), "process_resident_memory_bytes") or 0) > 1 << 20


def test_without_a_certificate_there_is_no_expiry() -> None:
    metrics = Metrics("1")
    metrics.watch_certificate(dict)
    assert families(metrics)["initshim_certificate_expiry_timestamp_seconds"].samples == []


def test_prometheus_reads_the_content_type() -> None:
    answer = get(Application().probes, "/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


OPEN_METRICS = "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5"


def test_exemplars_name_traces_to_who_asks_for_openmetrics() -> None:
    metrics = Metrics("1", exemplar=lambda: {"trace_id": "a" * 32})
    metrics.reviewed("patched", 0.01)
    text, kind = metrics.exposition(OPEN_METRICS)
    assert kind.startswith("application/openmetrics-text")
    buckets = {
        sample.labels["le"]: sample.exemplar
        for family in openmetrics_families(text.decode())  # type: ignore[no-untyped-call]
        for sample in family.samples
        if sample.name == "initshim_review_seconds_bucket"
    }
    assert buckets["0.01"].labels == {"trace_id": "a" * 32}
    text, kind = metrics.exposition("text/plain")
    assert kind == CONTENT_TYPE
    assert "trace_id" not in text.decode()


def test_without_exemplars_the_format_is_always_the_same() -> None:
    assert Metrics("1").exposition(OPEN_METRICS)[1] == CONTENT_TYPE


def test_promtool_finds_nothing_to_say() -> None:
    promtool = need.tool("promtool", "prometheus")
    text, _ = full().exposition()
    done = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


def test_what_became_of_events_is_told_to_all_who_count_them() -> None:
    counts = [Metrics("1"), Metrics("1")]
    FanOut(counts).event("dropped")
    told = [value(each, "initshim_events_total", outcome="dropped") for each in counts]
    assert told == [1.0, 1.0]
