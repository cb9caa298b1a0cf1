"""The pod in a dry run: what came of it, and why."""

from typing import Any

import pytest

from tests.fakes.api_server import Json, Refusal
from tests.unit.cli.doctor.cluster import WEBHOOK, Installed, workload
from tests.unit.cli.doctor.diagnosis import Served, bad, found, rehearsed


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


def test_a_webhook_that_is_called_and_does_nothing_is_told(cluster: Served) -> None:
    there = cluster[0]

    def admit(path: str, given: Json) -> tuple[Json, list[str]]:
        there.admit(path, given)  # and what it answers is lost on the way
        return given, []

    there.server.admit = admit
    one = rehearsed(cluster)
    assert (one.severity, one.what) == (
        "error",
        "the webhook was called, and left the pod as it was",
    )
    assert one.remedy == "kubectl -n initshim logs deployment/initshim --tail=20"


def test_a_service_that_the_api_server_cannot_reach_is_told_without_its_metrics(
    cluster: Served,
) -> None:
    there = cluster[0]
    there.server.admit = lambda _, given: (given, [])
    del there.server.texts["/metrics"]
    one = rehearsed(cluster)
    assert (one.severity, one.what) == (
        "error",
        (
            "the pod came back without an init, and the API server can't reach the Service: no "
            "endpoints available for service"
        ),
    )
    assert one.remedy == "kubectl -n initshim get pods,endpointslices,service"


def test_calls_that_got_no_answer_are_no_answers(cluster: Served) -> None:
    """The request counter's code is 600 for them: the webhook is not said to have answered."""
    there = cluster[0]
    calls = 0

    def count(_method: str, path: str) -> None:
        nonlocal calls
        if path == "/metrics":
            calls += 1
            there.server.texts["/metrics"] = (
                "# TYPE apiserver_admission_webhook_request_total counter\n"
                'apiserver_admission_webhook_request_total{code="600",name="inject.initshim.dev",'
                f'operation="CREATE",rejected="true",type="admitting"}} {calls}\n'
            )
        answer(_method, path)

    there.server.admit = lambda _, given: (given, [])
    there.server.interfere = count
    assert rehearsed(cluster).what == (
        "the API server did not call the webhook for it: the namespaceSelector, the "
        "matchConditions or the rules pass it over"
    )


def test_the_counts_of_two_api_servers_are_not_compared(cluster: Served) -> None:
    """Behind one address there may be several, each with its own."""
    there = cluster[0]
    looks = iter([9, 2])

    def balance(method: str, path: str) -> None:
        if path == "/metrics":
            there.open = there.answered = next(looks)
            there._count()
        answer(method, path)

    there.server.admit = lambda _, given: (given, [])
    there.server.interfere = balance
    assert "only the API server's metrics tell" in rehearsed(cluster).what


def test_credentials_that_run_out_are_not_another_rule_of_the_cluster(cluster: Served) -> None:
    def refuse(_path: str, _given: Json) -> tuple[Json, list[str]]:
        raise Refusal(401, "Unauthorized", "Unauthorized")

    cluster[0].server.admit = refuse
    one = rehearsed(cluster)
    assert (one.severity, one.what) == (
        "unknown",
        "could not look: Can't create Pod shop/initshim-doctor: Unauthorized",
    )
    assert one.remedy.startswith("The credentials are not accepted")


def test_where_namespaces_may_not_be_listed_one_has_to_be_named(cluster: Served) -> None:
    def refuse(_method: str, path: str) -> None:
        if path == "/api/v1/namespaces":
            raise Refusal(403, "Forbidden", "not you")

    cluster[0].server.interfere = refuse
    one = rehearsed(cluster)
    assert (one.severity, one.what) == ("unknown", "could not look: nobody knows where")
    assert one.remedy == "initshim doctor --namespace NAME"
    assert not any(line.endswith("/pods") for line in cluster[0].server.log if "POST" in line)
    assert rehearsed(cluster, namespace="shop").severity == "ok"


def called_by_url(there: Installed) -> None:
    """As where the webhook runs outside of the cluster."""
    (webhook,) = there.server.objects[WEBHOOK]["webhooks"]
    bundle = webhook["clientConfig"]["caBundle"]
    config = {"url": "https://init.example.com/mutate", "caBundle": bundle}
    there.change(WEBHOOK, webhooks__0__clientConfig=config)


def test_of_a_webhook_that_is_called_by_url_only_its_answers_are_seen(cluster: Served) -> None:
    called_by_url(cluster[0])
    findings = found(cluster)
    assert bad(findings) == []
    (service,) = (each for each in findings if each.check == "service")
    assert (service.object, service.what) == (
        "https://init.example.com/mutate",
        "the API server calls a URL: nothing behind it can be looked at",
    )
    checks = {each.check for each in findings}
    assert checks == {"configuration", "service", "certificate", "rehearsal", "pods",
        "registries", "versions"}  # fmt: skip


def test_a_url_that_does_not_answer_is_to_be_reached(cluster: Served) -> None:
    """There is no Service to be asked for, and nobody is sent to look at one."""
    called_by_url(cluster[0])
    cluster[0].failure = "context deadline exceeded"
    one = rehearsed(cluster)
    assert (one.severity, one.what) == (
        "error",
        (
            "the API server called the webhook and got no answer that it could use; failurePolicy "
            "Ignore hides it"
        ),
    )
    assert one.remedy == (
        "Let the control plane reach https://init.example.com/mutate, with a certificate that "
        "caBundle verifies."
    )
    assert not any("proxy" in line for line in cluster[0].server.log)
