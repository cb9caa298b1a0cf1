"""What nobody but the API server can count: pods that it let through, or refused, unanswered.

The names are those that the chart's alerts and dashboard ask for.
"""

from tests.chart.render import CHART
from tests.integration.controlplane.install import install
from tests.integration.controlplane.plane import ControlPlane

ALERTS = (CHART / "templates" / "prometheusrule.yaml").read_text()
DASHBOARD = (CHART / "files" / "dashboard.json").read_text()
HOOK = "inject.initshim.dev"


def ask(plane: ControlPlane, namespace: str) -> int:
    """Create a pod in an opted-in namespace while no webhook runs; give the answer's status."""
    plane.kubectl("create", "namespace", namespace)
    plane.kubectl("label", "namespace", namespace, "initshim.dev/inject=enabled")
    plane.kubectl("create", "serviceaccount", "default", "-n", namespace)
    containers = [{"name": "one", "image": "x", "command": ["true"]}]
    pod = {"metadata": {"name": "one"}, "spec": {"containers": containers}}
    return plane.api.post(f"/api/v1/namespaces/{namespace}/pods", json=pod).status_code


def test_a_pod_that_was_let_through_is_counted_as_the_alert_says(plane: ControlPlane) -> None:
    metric = "apiserver_admission_webhook_fail_open_count"
    assert metric in ALERTS
    assert metric in DASHBOARD
    install(plane)
    before = plane.metric(metric, name=HOOK)
    assert ask(plane, "missed") == 201
    assert plane.metric(metric, name=HOOK) == before + 1


def test_a_pod_that_was_refused_is_counted_as_the_alert_says(plane: ControlPlane) -> None:
    metric = "apiserver_admission_webhook_rejection_count"
    error = "calling_webhook_error"
    assert f'{metric}{{error_type="{error}"' in ALERTS
    install(plane, {"admission": {"failurePolicy": "Fail"}})
    before = plane.metric(metric, name=HOOK, error_type=error)
    assert ask(plane, "refused") == 500
    assert plane.metric(metric, name=HOOK, error_type=error) == before + 1
