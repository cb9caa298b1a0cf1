#!/usr/bin/env python3
"""Write the chart's Grafana dashboard, with Grafana's own builders: `python charts/dashboard.py`.

The builders are made from Grafana's schema (grafana-foundation-sdk), so that what is written here
is what Grafana reads. A panel is a title, a sentence that helps, a unit and its queries.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import BigValueColorMode, BigValueTextMode, StackingMode
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
)

FILE = Path(__file__).resolve().parent / "initshim" / "files" / "dashboard.json"
SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
OURS: Final = 'namespace=~"$namespace"'
HOOK: Final = 'name="inject.initshim.dev"'
WIDTH: Final = 24  # of Grafana's grid
DOCS = "https://github.com/initshim/initshim/blob/main/docs"


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked, and what a series is called; `exemplars` shows traces beside it."""

    expr: str
    legend: str = ""
    exemplars: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    """One figure; `steps` colours it from a value on: (value, colour), the first from the start."""

    title: str
    text: str
    query: Query
    unit: str = "short"
    steps: Sequence[tuple[float | None, str]] = ((None, "text"),)
    names: bool = False  # show the series' name, not its value


@dataclass(frozen=True, slots=True)
class Lines:
    """Figures over time; `stacked` where they are parts of a whole."""

    title: str
    text: str
    unit: str
    queries: Sequence[Query]
    stacked: bool = False


def rate(metric: str, by: str, more: str = "") -> str:
    """Ask how often a second, by a label."""
    return f"sum by ({by}) (rate({metric}{{{OURS}{more}}}[$__rate_interval]))"


def quantile(part: float, metric: str, by: str = "le") -> str:
    """Ask which time a part of all took at most."""
    buckets = f"sum by ({by}) (rate({metric}_bucket{{{OURS}}}[$__rate_interval]))"
    return f"histogram_quantile({part}, {buckets})"


GLANCE = (
    Number(
        "Ready pods",
        "Webhook pods that take reviews.",
        Query(f"sum(initshim_ready{{{OURS}}})"),
        steps=((None, "red"), (1, "orange"), (2, "green")),
    ),
    Number(
        "Reviews",
        "Pods that the API server asked about.",
        Query(f"sum(rate(initshim_reviews_total{{{OURS}}}[$__rate_interval]))"),
        unit="reqps",
    ),
    Number(
        "Failed reviews",
        "Pods that passed as they came because of an error of the webhook's own.",
        Query(f'sum(increase(initshim_reviews_total{{{OURS},result="failed"}}[$__range]))'),
        steps=((None, "green"), (1, "red")),
    ),
    Number(
        "Missed pods",
        "Pods that the API server let through without an answer. Its metrics have to be scraped.",
        Query(
            f"sum(increase(apiserver_admission_webhook_fail_open_count{{{HOOK}}}[$__range]))"
            " or vector(0)"
        ),
        steps=((None, "green"), (1, "red")),
    ),
    Number(
        "Certificate expires in",
        "The built-in leaf lives for a week and is renewed after two thirds of it.",
        Query(
            "min(initshim_certificate_expiry_timestamp_seconds"
            f'{{{OURS},certificate="leaf"}}) - time()'
        ),
        unit="s",
        steps=((None, "red"), (86400, "green")),
    ),
    Number(
        "Version",
        "Two are shown during a rollout.",
        Query(f"count by (version) (initshim_build_info{{{OURS}}})", "{{version}}"),
        names=True,
    ),
)

REVIEWS = (
    Lines(
        "Reviews by result",
        "ignored: not the creation of a pod. refused: no review at all.",
        "reqps",
        [Query(rate("initshim_reviews_total", "result"), "{{result}}")],
        stacked=True,
    ),
    Lines(
        "Review duration",
        "From a review's last byte to its answer. The API server gives up after 10 seconds.",
        "s",
        [
            Query(quantile(0.5, "initshim_review_seconds"), "median"),
            Query(quantile(0.95, "initshim_review_seconds"), "95 %"),
            Query(quantile(0.99, "initshim_review_seconds"), "99 %", exemplars=True),
            Query(
                "histogram_quantile(0.99, sum by (le) (rate("
                "apiserver_admission_webhook_admission_duration_seconds_bucket"
                f"{{{HOOK}}}[$__rate_interval])))",
                "99 %, as the API server sees it",
            ),
        ],
    ),
    Lines(
        "Reviews in flight",
        "By pod.",
        "short",
        [Query(f"sum by (pod) (initshim_reviews_in_flight{{{OURS}}})", "{{pod}}")],
    ),
)

CONTAINERS = (
    Lines(
        "Containers wrapped",
        "Containers that run under the reaper from now on.",
        "cps",
        [Query(rate("initshim_containers_total", "outcome", ',outcome="wrapped"'), "{{outcome}}")],
    ),
    Lines(
        "Containers left alone",
        "By reason; each is explained, with its remedy, on the page of reasons.",
        "cps",
        [
            Query(
                rate("initshim_containers_total", "outcome", ',outcome!="wrapped"') + " > 0",
                "{{outcome}}",
            )
        ],
        stacked=True,
    ),
)

REGISTRIES = (
    Lines(
        "Lookups by registry",
        "Images that were not in the cache.",
        "cps",
        [Query(rate("initshim_registry_lookups_total", "registry"), "{{registry}}")],
        stacked=True,
    ),
    Lines(
        "Failed lookups",
        "By registry and reason.",
        "cps",
        [
            Query(
                rate("initshim_registry_lookups_total", "registry, outcome", ',outcome!="ok"'),
                "{{registry}}: {{outcome}}",
            )
        ],
        stacked=True,
    ),
    Lines(
        "Lookup duration, 95 %",
        "All requests of one image together.",
        "s",
        [Query(quantile(0.95, "initshim_registry_lookup_seconds", "le, registry"), "{{registry}}")],
    ),
    Lines(
        "Cache",
        "hit: no lookup. joined: one was under way already. stale: the registry was down.",
        "cps",
        [Query(rate("initshim_cache_events_total", "event"), "{{event}}")],
        stacked=True,
    ),
)

PROCESS = (
    Lines(
        "Memory",
        "Resident, by pod.",
        "bytes",
        [
            Query(
                f'process_resident_memory_bytes{{{OURS},pod=~".+"}} and on (pod) initshim_ready',
                "{{pod}}",
            )
        ],
    ),
    Lines(
        "CPU",
        "Cores, by pod.",
        "short",
        [
            Query(
                f"rate(process_cpu_seconds_total{{{OURS}}}[$__rate_interval])"
                " and on (namespace, pod) initshim_ready",
                "{{pod}}",
            )
        ],
    ),
    Lines(
        "Connections dropped, Events",
        "Connections cut off at the door, and Kubernetes Events that could not be written.",
        "cps",
        [
            Query(rate("initshim_connections_dropped_total", "reason"), "connections: {{reason}}"),
            Query(rate("initshim_events_total", "outcome"), "Events: {{outcome}}"),
        ],
    ),
)

ROWS: dict[str, Sequence[Number | Lines]] = {
    "At a glance": GLANCE,
    "Reviews": REVIEWS,
    "Containers": CONTAINERS,
    "Registries": REGISTRIES,
    "Webhook pods": PROCESS,
}


def text() -> str:
    """Give the dashboard as JSON."""
    made = (
        dashboard.Dashboard("initshim")
        .uid("initshim")
        .description("What the initshim webhook does, what it leaves alone, and what it costs.")
        .tags(["initshim", "kubernetes"])
        .readonly()
        .time("now-6h", "now")
        .refresh("1m")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(
            dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
        )
        .with_variable(_namespaces())
        .link(_link("Alerts", "runbook.md"))
        .link(_link("Reasons", "reasons.md"))
    )
    ids = count(1)
    for title, panels in ROWS.items():
        made = made.with_row(dashboard.Row(title).id(next(ids)))
        for panel in panels:
            made = made.with_panel(_panel(panel, WIDTH // len(panels)).id(next(ids)))
    plain: dict[str, Any] = json.loads(json.dumps(made.build(), cls=JSONEncoder))
    return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"


def _namespaces() -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable("namespace")
        .label("Namespace")
        .datasource(SOURCE)
        .query("label_values(initshim_build_info, namespace)")
        .refresh(VariableRefresh.ON_DASHBOARD_LOAD)
        .include_all(True)
        .multi(True)
        .all_value(".+")
    )


def _link(title: str, page: str) -> dashboard.DashboardLink:
    kind = DashboardLinkType.LINK
    return dashboard.DashboardLink(title).type(kind).url(f"{DOCS}/{page}").target_blank(True)


def _panel(panel: Number | Lines, width: int) -> stat.Panel | timeseries.Panel:
    if isinstance(panel, Number):
        return _number(panel).height(4).span(width)
    return _lines(panel).height(8).span(width)


def _number(panel: Number) -> stat.Panel:
    steps = [Threshold(value=value, color=color) for value, color in panel.steps]
    thresholds = dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
    return (
        stat.Panel()
        .title(panel.title)
        .description(panel.text)
        .datasource(SOURCE)
        .unit(panel.unit)
        .thresholds(thresholds)
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .color_mode(BigValueColorMode.VALUE)
        .text_mode(BigValueTextMode.NAME if panel.names else BigValueTextMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(_target(panel.query, "A").instant())
    )


def _lines(panel: Lines) -> timeseries.Panel:
    made = (
        timeseries.Panel()
        .title(panel.title)
        .description(panel.text)
        .datasource(SOURCE)
        .unit(panel.unit)
        .min(0)
        .fill_opacity(20 if panel.stacked else 0)
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
    )
    if panel.stacked:
        made = made.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    for number, query in enumerate(panel.queries):
        made = made.with_target(_target(query, chr(ord("A") + number)).range())
    return made


def _target(query: Query, name: str) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery()
        .ref_id(name)
        .datasource(SOURCE)
        .expr(query.expr)
        .legend_format(query.legend)
        .exemplar(query.exemplars)
    )


if __name__ == "__main__":
    FILE.write_text(text())
