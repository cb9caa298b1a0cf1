"""What nobody but the API server can count: pods that it let through, or refused, unanswered.

The names are those that the chart's alerts and dashboard ask for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.chart.render import CHART
from tests.integration.controlplane.controllers import OPT_IN, create, namespace, until
from tests.integration.controlplane.plane import ControlPlane
from tests.integration.controlplane.release import Release

ALERTS = (CHART / "templates" / "prometheusrule.yaml").read_text()
DASHBOARD = (CHART / "files" / "dashboard.json").read_text()
HOOK = "inject.initshim.dev"
NOBODY = {"url": "https://127.0.0.1:1/mutate"}  # where nobody listens
POD = {
    "metadata": {"generateName": "one-"},
    "spec": {"containers": [{"name": "one", "image": "x", "command": ["true"]}]},
}


@contextmanager
def unanswered(plane: ControlPlane, release: Release, policy: str) -> Iterator[None]:
    """Have the API server call nobody, with that failurePolicy."""
    release.wants()
    path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/initshim"
    before = plane.api.get(path).json()["webhooks"][0]

    def put(client: Any, policy: str) -> None:
        operations = [
            {"op": "replace", "path": "/webhooks/0/clientConfig", "value": client},
            {"op": "replace", "path": "/webhooks/0/failurePolicy", "value": policy},
        ]
        kind = {"Content-Type": "application/json-patch+json"}
        done = plane.api.patch(path, json=operations, headers=kind)
        assert done.status_code == 200, done.text

    put(NOBODY, policy)
    try:
        yield
    finally:
        put(before["clientConfig"], before["failurePolicy"])
        release.settle()


def check(plane: ControlPlane, where: str, metric: str, status: int, **labels: str) -> None:
    """A pod more is one more in the metric, once the API server calls nobody."""

    def counted() -> float:
        return plane.metric(metric, name=HOOK, **labels)

    first = counted()

    def is_missed() -> bool:
        create(plane, where, POD, query="?dryRun=All")
        return counted() > first

    until(is_missed)
    before = counted()
    made = create(plane, where, POD)
    assert made.status == status
    assert counted() == before + 1


def test_a_pod_that_was_let_through_is_counted_as_the_alert_says(
    plane: ControlPlane, release: Release, name: str
) -> None:
    metric = "apiserver_admission_webhook_fail_open_count"
    assert metric in ALERTS
    assert metric in DASHBOARD
    where = namespace(plane, name, **OPT_IN)
    with unanswered(plane, release, "Ignore"):
        check(plane, where, metric, 201)


def test_a_pod_that_was_refused_is_counted_as_the_alert_says(
    plane: ControlPlane, release: Release, name: str
) -> None:
    metric = "apiserver_admission_webhook_rejection_count"
    error = "calling_webhook_error"
    assert f'{metric}{{error_type="{error}"' in ALERTS
    where = namespace(plane, name, **OPT_IN)
    with unanswered(plane, release, "Fail"):
        check(plane, where, metric, 500, error_type=error)
