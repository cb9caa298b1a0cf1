"""`initshim audit --what-if`: the webhook's own engine over a namespace's workloads."""

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from tests.fakes.api_server import Rule
from tests.fakes.cluster import Cluster, container, spec, wrapped

Run = Callable[..., Result]
Data = Callable[..., Any]
NEVER = spec({"name": "pay", "image": "x", "imagePullPolicy": "Never"})
WARNED = (
    "initshim left pay alone (never-pulled): set `command:` or annotate initshim.dev/entrypoint.pay"
)


def results(found: Any) -> dict[str, list[str]]:
    return {
        f"{each['kind']}/{each['name']}": [
            f"{one['container']} {one['outcome']}" for one in each["containers"]
        ]
        for each in found["workloads"]
    }


def test_each_workload_goes_through_the_engine_once(cluster: Cluster, data: Data) -> None:
    side = spec(container(), container("proxy", command=["tini", "envoy"]))
    for kind in ("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job"):
        cluster.workload(kind, "a", side, [{"spec": side}] * 3, namespace="other")
    cluster.workload("Rollout", "canary", spec(), [{"spec": spec()}] * 2, namespace="other")
    cluster.workload("Deployment", "pay", NEVER, namespace="other")
    cluster.pod({"spec": spec(hostPID=True)}, name="bare", namespace="other")
    found = data("--what-if", "other")
    both = ["app wrapped", "proxy has-init"]
    assert results(found) == {
        "CronJob/a": both,
        "DaemonSet/a": both,
        "Deployment/a": both,
        "Deployment/pay": ["pay never-pulled"],
        "Job/a": both,
        "Pod/bare": ["* host-pid"],
        "StatefulSet/a": both,
    }
    assert found["selected"] == "with-label"
    assert [each["warnings"] for each in found["workloads"] if each["warnings"]] == [[WARNED]]


def test_what_is_out_of_all_proportion_is_said_and_ends_nothing(
    cluster: Cluster, data: Data
) -> None:
    crowd = spec(*(container(f"c{number}") for number in range(300)))
    cluster.workload("Deployment", "crowd", crowd, namespace="other")
    cluster.pod({"spec": crowd}, name="alone", namespace="other")
    cluster.workload("Deployment", "web", spec(), namespace="other")
    found = data("--what-if", "other")
    assert results(found) == {
        "Deployment/crowd": ["* failed"],
        "Deployment/web": ["app wrapped"],
        "Pod/alone": ["* failed"],
    }
    assert found["workloads"][0]["containers"][0]["why"] == "it has 300 containers, more than 256"


def test_the_text_lists_results_warnings_and_the_next_step(cluster: Cluster, audit: Run) -> None:
    cluster.workload("Deployment", "web", spec(), namespace="other")
    cluster.workload("Deployment", "pay", NEVER, namespace="other")
    result = audit("--what-if", "other")
    assert result.exit_code == 0
    assert result.stdout == (
        "WORKLOAD         CONTAINER   RESULT         NOTE\n"
        "Deployment/pay   pay         never-pulled   set `command:` or annotate "
        "initshim.dev/entrypoint.pay\n"
        "Deployment/web   app         wrapped\n"
        "\n"
        "kubectl would warn\n"
        f"  Deployment/pay: {WARNED}\n"
        "\n"
        "other: 1 container of 2 workloads would be wrapped.\n"
        "kubectl label namespace other initshim.dev/inject=enabled turns it on for new pods.\n"
    )


def test_a_cluster_that_denies_says_whose_pods_would_be_refused(
    cluster: Cluster, data: Data, audit: Run
) -> None:
    cluster.settings(ON_UNRESOLVED="deny")
    cluster.workload("Deployment", "pay", NEVER, namespace="other")
    cluster.workload("Deployment", "web", spec(), namespace="other")
    refused = {each["name"]: each["refused"] for each in data("--what-if", "other")["workloads"]}
    assert refused == {"pay": True, "web": False}
    said = "  Deployment/pay: its pods would be refused (onUnresolved: deny)\n"
    assert said in audit("--what-if", "other").stdout


def test_a_namespace_that_the_selector_leaves_out_stays_out(cluster: Cluster, audit: Run) -> None:
    name = "kubernetes.io/metadata.name"
    cluster.install(
        namespaceSelector={
            "matchLabels": {"initshim.dev/inject": "enabled"},
            "matchExpressions": [{"key": name, "operator": "NotIn", "values": ["kube-system"]}],
        }
    )
    cluster.namespace("kube-system", {name: "kube-system"})
    assert "Labelling it would change nothing" in audit("--what-if", "kube-system").stdout
    assert "opted in already" in audit("--what-if", "shop").stdout


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("Enabled", "Its label initshim.dev/inject=Enabled says nothing. kubectl label namespace "),
        ("shop", "kubectl label namespace "),
        ("", "kubectl label namespace "),
    ],
)
def test_a_label_that_is_there_already_is_overwritten(
    cluster: Cluster, audit: Run, value: str, said: str
) -> None:
    """Without --overwrite kubectl would refuse."""
    cluster.namespace("other", {"initshim.dev/inject": value})
    last = audit("--what-if", "other").stdout.splitlines()[-1]
    assert last == f"{said}other --overwrite initshim.dev/inject=enabled turns it on for new pods."


def test_what_is_wrapped_already_is_said_so(cluster: Cluster, data: Data) -> None:
    cluster.pod(wrapped({"spec": spec()}), name="copy", namespace="other")
    assert results(data("--what-if", "other")) == {"Pod/copy": ["app already-wrapped"]}


def test_a_kind_that_may_not_be_listed_is_said_and_the_rest_is_told(
    cluster: Cluster, audit: Run
) -> None:
    readable = ("mutatingwebhookconfigurations", "deployments", "pods", "replicasets", "jobs",
        "statefulsets", "cronjobs")  # fmt: skip
    cluster.server.rules = {*(Rule("list", each) for each in readable), Rule("get", "namespaces"),
        Rule("get", "deployments")}  # fmt: skip
    cluster.workload("Deployment", "web", spec(), namespace="other")
    result = audit("--what-if", "other")
    assert result.exit_code == 1
    assert "Deployment/web" in result.stdout
    assert "Grant the verb 'list' on daemonsets.apps" in result.stderr


def test_a_namespace_that_is_not_there_is_an_error(audit: Run) -> None:
    result = audit("--what-if", "nowhere")
    assert result.exit_code == 1
    assert "nowhere" in result.stderr
