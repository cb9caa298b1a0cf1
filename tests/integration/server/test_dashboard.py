"""Every query of the dashboard, and exemplars, asked of a real Prometheus that scraped a webhook.

The API server's own metrics are served beside, as k8s.io/apiserver writes them.
"""

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from tests.fakes.collector import Collector
from tests.fakes.http import Answer, Host, Request
from tests.fakes.registry import Registry, config_bytes
from tests.fakes.reviews import body, pod
from tests.integration.registry.registries import in_thread
from tests.integration.server.running import Reader, Webhook, request, webhook
from tests.reaper import need

DASHBOARD = Path(__file__).parents[3] / "charts" / "initshim" / "files" / "dashboard.json"
PATIENCE = 90.0
TRACE = "0af7651916cd43dd8448eb211c80319c"
VARIABLES = {"$namespace": ".+", "$__rate_interval": "10s", "$__range": "1m"}
API_SERVER = """\
# TYPE apiserver_admission_webhook_fail_open_count counter
apiserver_admission_webhook_fail_open_count{name="inject.initshim.dev",type="admit"} %(count)d
# TYPE apiserver_admission_webhook_admission_duration_seconds histogram
apiserver_admission_webhook_admission_duration_seconds_bucket{name="inject.initshim.dev",\
operation="CREATE",rejected="false",type="admit",le="0.005"} %(count)d
apiserver_admission_webhook_admission_duration_seconds_bucket{name="inject.initshim.dev",\
operation="CREATE",rejected="false",type="admit",le="+Inf"} %(count)d
"""


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A Prometheus that runs."""

    port: int

    def get(self, path: str, **query: str) -> Any:
        """Give an answer's data; None while there is none."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", f"/api/v1/{path}?{urlencode(query)}")
            response = connection.getresponse()
            if response.status == HTTPStatus.SERVICE_UNAVAILABLE:
                return None  # its port is open, and it is not ready: said in plain text
            answer = json.loads(response.read())
        except ConnectionError:
            return None
        finally:
            connection.close()
        assert answer["status"] == "success", answer
        return answer["data"]

    def numbers(self, expression: str) -> list[bool]:
        """Tell of each series that a query gives whether it has a number."""
        data = self.get("query", query=expression) or {"result": []}
        return [series["value"][1] != "NaN" for series in data["result"]]


@contextmanager
def prometheus(folder: Path, targets: dict[str, str]) -> Iterator[Prometheus]:
    """Scrape targets, `host:port` by pod, every second."""
    scrapes = [
        {"targets": [target], "labels": {"namespace": "initshim", "pod": name}}
        for name, target in targets.items()
    ]
    job = {"job_name": "all", "scrape_interval": "1s", "static_configs": scrapes}
    (folder / "prometheus.yaml").write_text(yaml.safe_dump({"scrape_configs": [job]}))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = {
        "config.file": folder / "prometheus.yaml",
        "storage.tsdb.path": folder / "data",
        "web.listen-address": f"127.0.0.1:{port}",
        "enable-feature": "exemplar-storage",
        "log.level": "error",
    }
    program = need.tool("prometheus", "prometheus")
    process = subprocess.Popen([program, *(f"--{key}={options[key]}" for key in options)])
    try:
        yield Prometheus(port)
    finally:
        process.terminate()
        process.wait(30)


@dataclass(slots=True)
class ApiServer:
    """Metrics of an API server that was busy since the last scrape."""

    count: int = 0

    async def __call__(self, _request: Request) -> Answer:
        self.count += 1
        text = API_SERVER % {"count": self.count}
        return Answer(200, {"Content-Type": "text/plain; version=0.0.4"}, text.encode())


@pytest.fixture
def registry() -> Iterator[Host]:
    content = Registry()
    content.push("shop", "1.4", config_bytes(["/shop"]))
    with in_thread(content) as host:
        yield host


@pytest.fixture
def served(tmp_path: Path, registry: Host) -> Iterator[Webhook]:
    file = tmp_path / "registries.json"
    file.write_text(
        json.dumps({registry.authority: {"plainHTTP": True, "addresses": "127.0.0.0/8"}})
    )
    with (
        in_thread(Collector()) as host,
        webhook(
            registries_file=file,
            traces_endpoint=host.url,
            exemplars=True,
            cache_failure_seconds=0.1,
            cache_tag_seconds=0.1,
        ) as running,
    ):
        yield running


def ask(served: Webhook, registry: Host) -> None:
    """Send a review of each kind: wrapped at once, looked up, not to be had, and none at all."""
    images = [f"{registry.authority}/shop:{tag}" for tag in ("1.4", "none")]
    pods = [pod(), *(pod(containers=[{"name": "app", "image": image}]) for image in images)]
    trace = (f"traceparent: 00-{TRACE}-b7ad6b7169203331-01",)
    with served.connect() as connection:
        reader = Reader(connection)
        for content in (*map(body, pods), b"none"):
            connection.sendall(request(content, headers=trace))
            reader.response()


def queries() -> dict[str, str]:
    """Give the dashboard's queries by panel, with its variables as Grafana fills them in."""
    found = {}
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"]
            for name, value in VARIABLES.items():
                expression = expression.replace(name, value)
            found[f"{panel['title']} {target['refId']}"] = expression
    return found


def test_every_query_of_the_dashboard_gives_data(
    served: Webhook, registry: Host, tmp_path: Path
) -> None:
    need.tool("prometheus", "prometheus")
    missing = queries()
    assert len(missing) > 20
    with in_thread(ApiServer()) as other:
        targets = {"webhook-0": f"localhost:{served.http_port}", "api": other.authority}
        with prometheus(tmp_path, targets) as asked:
            end = time.monotonic() + PATIENCE
            exemplars: Any = None
            while (missing or not exemplars) and time.monotonic() < end:
                ask(served, registry)
                missing = {
                    name: expression
                    for name, expression in missing.items()
                    if not any(asked.numbers(expression))
                }
                now = f"{time.time():.3f}"
                exemplars = asked.get(
                    "query_exemplars", query="initshim_review_seconds_bucket", start="1", end=now
                )
                time.sleep(0.25)
    assert missing == {}
    assert exemplars[0]["exemplars"][0]["labels"] == {"trace_id": TRACE}
