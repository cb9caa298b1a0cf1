"""The pod in a dry run: what came of it, and why."""

from typing import Any

import pytest

from tests.fakes.api_server import Refusal
from tests.unit.cli.doctor.cluster import WEBHOOK, workload
from tests.unit.cli.doctor.diagnosis import Served, found, rehearsed


def test_a_webhook_that_fails_is_told_though_ignore_hides_it(cluster: Served) -> None:
    """Semantics §6: GKE's private clusters let the API server reach 443 and 10250 only."""
    cluster[0].failure = "context deadline exceeded"
    one = rehearsed(cluster)
    assert (one.severity, "got no answer" in one.what) == ("error", True)
    assert "8443" not in one.what
    service = "/api/v1/namespaces/initshim/services/https:initshim:443/proxy/mutate"
    assert f"GET {service}" in cluster[0].server.log
    assert "get pods,endpointslices" in one.remedy  # the proxy said that there are none

    def hang(_method: str, path: str) -> None:
        if path == service:
            raise Refusal(503, "ServiceUnavailable", "error trying to reach service: i/o timeout")

    cluster[0].server.interfere = hang
    one = rehearsed(cluster)
    assert "i/o timeout" in one.what
    assert "port=10250" in one.remedy


def answer(_method: str, path: str) -> None:
    """Answer a GET of /mutate through the API server's proxy as the webhook does."""
    if path.endswith("/proxy/mutate"):
        raise Refusal(405, "MethodNotAllowed", "Method Not Allowed")


def test_a_webhook_that_answers_and_is_not_trusted_is_told(cluster: Served) -> None:
    cluster[0].failure = "x509: certificate signed by unknown authority"
    cluster[0].server.interfere = answer
    assert "look at its certificate" in rehearsed(cluster).remedy


def test_a_webhook_that_is_not_called_is_told(cluster: Served) -> None:
    cluster[0].server.admit = lambda _, given: (given, [])
    cluster[0].server.interfere = answer
    cluster[0].answered = 9
    cluster[0]._count()
    assert "did not call the webhook" in rehearsed(cluster).what


def test_without_the_api_servers_metrics_both_are_possible(cluster: Served) -> None:
    cluster[0].server.admit = lambda _, given: (given, [])
    del cluster[0].server.texts["/metrics"]
    cluster[0].server.interfere = answer
    one = rehearsed(cluster)
    assert "only the API server's metrics tell" in one.what
    assert "kubectl get --raw /metrics" in one.remedy


@pytest.mark.parametrize(
    ("failure", "remedy"),
    [
        ('Post "https://initshim.initshim.svc:443/mutate": context deadline exceeded', "10250"),
        ("tls: failed to verify certificate: x509: unknown authority", "rollout restart"),
        ('no endpoints available for service "initshim"', "get pods,endpointslices"),
    ],
)
def test_under_fail_the_api_server_says_why(cluster: Served, failure: str, remedy: str) -> None:
    cluster[0].change(WEBHOOK, webhooks__0__failurePolicy="Fail")
    cluster[0].failure = failure
    one = rehearsed(cluster)
    assert one.severity == "error"
    assert failure in one.what
    assert remedy in one.remedy


def test_a_webhook_that_leaves_the_pod_alone_is_quoted(cluster: Served) -> None:
    said = "initshim left the pod alone: it failed at it; its log has the error"
    cluster[0].server.admit = lambda _, given: (given, [said])
    one = rehearsed(cluster)
    assert said in one.what
    assert "logs deployment/initshim" in one.remedy


def test_a_quota_is_not_the_webhooks_fault(cluster: Served) -> None:
    def refuse(_path: str, _given: Any) -> Any:
        raise Refusal(403, "Forbidden", 'pods "initshim-doctor" is forbidden: exceeded quota: q')

    cluster[0].server.admit = refuse
    one = rehearsed(cluster)
    assert (one.severity, "exceeded quota" in one.what) == ("unknown", True)
    assert "--namespace" in one.remedy


def test_nobody_rehearses_where_nobody_is_asked(cluster: Served) -> None:
    one = rehearsed(cluster, namespace="default")
    assert one.severity == "warning"
    assert "kubectl label namespace default" in one.remedy
    assert not any("default/pods" in line for line in cluster[0].server.log)


LEAVING = {
    "deletionTimestamp": "2026-11-26T11:59:00Z",
    "labels": {"initshim.dev/inject": "enabled"},
}


def test_a_namespace_that_is_being_deleted_is_no_place_to_look(cluster: Served) -> None:
    there = cluster[0]
    before = found(cluster)
    wishing = {**LEAVING, "labels": {"initshim.dev/inject": "enable"}}
    there.server.put("/api/v1/namespaces/aaa", {"metadata": LEAVING})
    there.server.put("/api/v1/namespaces/bbb", {"metadata": wishing})
    path, deployment = workload("left", "docker.io/shop/private:1")
    there.server.put(path.replace("/shop/", "/aaa/"), deployment)
    assert found(cluster) == before


@pytest.mark.parametrize(
    ("name", "said", "remedy"),
    [
        ("aaa", "the namespace is being deleted, so it takes no pod", "--namespace NAME"),
        ("nowhere", "there is no such namespace", "kubectl get namespaces"),
        ("default", "the namespace is not selected, so no pod in it is wrapped", "label namespace"),
    ],
)
def test_a_namespace_that_takes_no_pod_is_told_from_one_without_the_label(
    cluster: Served, name: str, said: str, remedy: str
) -> None:
    cluster[0].server.put("/api/v1/namespaces/aaa", {"metadata": LEAVING})
    one = rehearsed(cluster, namespace=name)
    assert (one.severity, one.what) == ("warning", said)
    assert remedy in one.remedy
    assert not any(f"{name}/pods" in line for line in cluster[0].server.log)
