"""The dashboard: what its program writes, in Grafana's schema, about metrics that exist."""

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.chart.render import CHART, ROOT, objects, of
from webhook.server.metrics import Metrics

FILE = CHART / "files" / "dashboard.json"
API_SERVERS = {
    "apiserver_admission_webhook_fail_open_count",
    "apiserver_admission_webhook_admission_duration_seconds",
}
NAME = re.compile(r"\b(?:initshim|process|apiserver)_[a-z_]+")
SUFFIX = re.compile(r"_(?:bucket|total)$")


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(FILE.read_text())["panels"]
    return found


def test_the_dashboard_is_up_to_date() -> None:
    path = ROOT / "charts" / "dashboard.py"
    spec = importlib.util.spec_from_file_location("dashboard", path)
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert FILE.read_text() == script.text(), "run: python charts/dashboard.py"


def test_grafanas_schema_knows_every_field_of_it() -> None:
    register_default_plugins()
    written = json.loads(FILE.read_text())
    read = Dashboard.from_json(written)
    assert json.loads(json.dumps(read, cls=JSONEncoder)) == written


def test_it_asks_about_metrics_that_exist() -> None:
    metrics = Metrics("")
    metrics.watch_certificate(dict)
    known = {family.name for family in metrics.collect()} | API_SERVERS
    for panel in panels():
        for target in panel.get("targets", []):
            asked = {SUFFIX.sub("", name) for name in NAME.findall(target["expr"])}
            assert asked
            assert asked - known == set()


def test_every_panel_has_a_number_a_title_and_a_sentence() -> None:
    assert [panel["id"] for panel in panels()] == list(range(1, len(panels()) + 1))
    for panel in panels():
        assert panel["title"]
        assert panel["type"] == "row" or panel["description"].endswith(".")


def test_grafanas_sidecar_finds_it_whole(helm: Path) -> None:
    rendered = objects(helm, None, "--set=grafanaDashboard.enabled=true")
    (found,) = [
        each
        for each in of(rendered, "ConfigMap")
        if each["metadata"]["labels"].get("grafana_dashboard") == "1"
    ]
    assert json.loads(found["data"]["initshim.json"]) == json.loads(FILE.read_text())
