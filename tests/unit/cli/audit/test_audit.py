"""`initshim audit` against an API server: whose pods, how many, why, and what to do."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from click.testing import Result

from tests.fakes.api_server import Rule
from tests.fakes.cluster import AFTER, BEFORE, INSTALLED, Cluster, container, spec, wrapped
from tests.fakes.registry import Registry, config_bytes
from tests.integration.registry.registries import in_thread
from webhook.cli.installation.survey import BY_POLICY
from webhook.core.mutation import Delivery

Run = Callable[..., Result]
Data = Callable[..., Any]

BARE = {"spec": spec()}
SEEN = wrapped(BARE)
WITH_TINI = {"spec": spec(container(command=["tini", "--", "run"]))}
ENDED = {**SEEN, "status": {"phase": "Succeeded"}}


def workloads(found: Any) -> dict[str, dict[str, int]]:
    """Give each workload's counts, without the zeros."""
    return {
        f"{each['namespace']} {each['kind']}/{each['name']}": {
            state: count for state, count in each["counts"].items() if count
        }
        for each in found["workloads"]
    }


def test_pods_are_counted_by_the_workload_that_a_person_made(cluster: Cluster, data: Data) -> None:
    cluster.workload("Deployment", "web", spec(), [SEEN, SEEN, BARE])
    cluster.workload("StatefulSet", "db", spec(), [SEEN])
    cluster.workload("DaemonSet", "agent", WITH_TINI["spec"], [WITH_TINI] * 2)
    cluster.workload("CronJob", "nightly", spec(), [ENDED, ENDED, SEEN])
    cluster.workload("Rollout", "canary", spec(), [BARE])
    cluster.pod(BARE, name="debug")
    cluster.pod(BARE, name="mirror", owner=("v1", "Node", "n1"))
    cluster.pod(SEEN, name="odd", owner=("apps/v1", "ReplicaSet", "gone-by-now"))
    cluster.pod(BARE, namespace="other")
    found = data()
    assert workloads(found) == {
        "shop CronJob/nightly": {"ended": 2, "wrapped": 1},
        "shop DaemonSet/agent": {"skipped": 2},
        "shop Deployment/web": {"wrapped": 2, "missed": 1},
        "shop Node/n1": {"missed": 1},
        "shop Pod/debug": {"missed": 1},
        "shop ReplicaSet/gone-by-now": {"wrapped": 1},
        "shop Rollout/canary": {"missed": 1},
        "shop StatefulSet/db": {"wrapped": 1},
    }
    assert found["namespaces"] == ["shop"]
    assert found["counts"] == {
        "wrapped": 5, "skipped": 2, "unresolved": 0, "missed": 4, "stuck": 0, "ended": 2,
    }  # fmt: skip
    assert (found["notes"], found["problems"]) == ([], [])


def test_every_pod_is_in_the_data_with_every_container(cluster: Cluster, data: Data) -> None:
    pod = wrapped({"spec": spec(container(), container("proxy", command=["tini", "envoy"]))})
    (name,) = cluster.workload("Deployment", "web", spec(), [pod])
    (web,) = data()["workloads"]
    assert web["pods"] == [
        {
            "name": name,
            "state": "wrapped",
            "created": AFTER,
            "containers": {"app": "wrapped", "proxy": "has-init"},
        }
    ]
    assert [(each["container"], each["outcome"], each["pods"]) for each in web["containers"]] == [
        ("app", "wrapped", 1),
        ("proxy", "has-init", 1),
    ]


def test_a_pod_out_of_all_proportion_is_left_alone_and_ends_nothing(
    cluster: Cluster, data: Data, audit: Run
) -> None:
    """The API server takes 300 containers; the webhook leaves such a pod alone."""
    cluster.workload("Deployment", "web", spec(), [SEEN])
    crowd = {"spec": spec(*(container(f"c{number}") for number in range(300)))}
    cluster.pod(crowd, name="crowd")
    cluster.pod({**crowd, "status": {"phase": "Succeeded"}}, name="over")
    found = data()
    assert workloads(found) == {
        "shop Deployment/web": {"wrapped": 1},
        "shop Pod/crowd": {"skipped": 1},
        "shop Pod/over": {"ended": 1},
    }
    (why,) = (each for each in found["workloads"] if each["name"] == "crowd")
    assert why["containers"][0]["why"] == "it has 300 containers, more than 256"
    assert "failed" in audit().stdout


def test_it_says_since_when_a_pod_is_missed(cluster: Cluster, data: Data) -> None:
    cluster.workload("Deployment", "a", spec(), [BARE], created=BEFORE)
    cluster.workload("Deployment", "b", spec(), [BARE], created=INSTALLED)
    cluster.workload("Deployment", "c", spec(), [BARE], created=AFTER)
    assert [each["containers"][0]["why"] for each in data()["workloads"]] == [
        "older than the webhook",
        "older than the namespace's label",
        "created when the webhook did not answer",
    ]


def test_the_text_is_a_line_a_workload_what_to_do_and_the_sum(cluster: Cluster, audit: Run) -> None:
    cluster.workload("Deployment", "web", spec(), [SEEN] * 38 + [BARE] * 2)
    cluster.workload("DaemonSet", "agent", WITH_TINI["spec"], [WITH_TINI] * 12)
    never = {"spec": spec({"name": "pay", "image": "x", "imagePullPolicy": "Never"})}
    cluster.workload("Deployment", "pay", never["spec"], [never])
    cluster.workload("CronJob", "nightly", spec(), [ENDED])
    result = audit()
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout == (
        "NAMESPACE   WORKLOAD          PODS   WRAPPED   SKIPPED   UNRESOLVED   MISSED   NOTE\n"
        "shop        CronJob/nightly      0         0         0            0        0   1 ended\n"
        "shop        DaemonSet/agent     12         0        12            0        0   "
        "app has-init\n"
        "shop        Deployment/pay       1         0         0            1        0   "
        "pay never-pulled\n"
        "shop        Deployment/web      40        38         0            0        2   "
        "app missed (2)\n"
        "\n"
        "To do\n"
        "  shop Deployment/web: 2 pods missed: created when the webhook did not answer\n"
        "    kubectl -n shop rollout restart deployment/web\n"
        "  shop Deployment/pay: pay, never-pulled in 1 pod: imagePullPolicy: Never, so no registry "
        "knows the image's entrypoint\n"
        "    set `command:` or annotate initshim.dev/entrypoint.pay\n"
        "  initshim audit --restart restarts 1 workload with missed pods, after asking.\n"
        "\n"
        "53 pods in 1 opted-in namespace: 38 wrapped, 12 skipped, 1 unresolved, 2 missed; "
        "1 ended.\n"
    )


def test_yaml_says_what_json_says(cluster: Cluster, audit: Run, data: Data) -> None:
    cluster.workload("Deployment", "web", spec(), [SEEN, BARE])
    assert yaml.safe_load(audit("-o", "yaml").stdout) == data()


@pytest.mark.parametrize(
    ("states", "code"),
    [((), 0), (("missed",), 3), (("unresolved",), 0), (("unresolved", "skipped"), 3)],
)
def test_fail_on_decides_over_the_exit_code(
    cluster: Cluster, audit: Run, states: tuple[str, ...], code: int
) -> None:
    cluster.workload("Deployment", "web", spec(), [SEEN, BARE])
    cluster.workload("DaemonSet", "agent", WITH_TINI["spec"], [WITH_TINI])
    words = [word for each in states for word in ("--fail-on", each)]
    assert audit(*words).exit_code == code


def test_an_entrypoint_is_looked_up_to_tell_missed_from_left_alone(
    cluster: Cluster, data: Data, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    registry = Registry()
    with in_thread(registry) as host:
        entry = {host.authority: {"plainHTTP": True, "addresses": "127.0.0.0/8"}}
        (tmp_path / "registries.json").write_text(json.dumps(entry))
        monkeypatch.setenv("INITSHIM_REGISTRIES_FILE", str(tmp_path / "registries.json"))
        for name, entrypoint in (("plain", ["/app"]), ("tini", ["tini", "--", "/app"])):
            config = config_bytes(entrypoint, [])
            registry.push_index(name, "1", {"amd64": config})
            pod = {"spec": spec({"name": "app", "image": f"{host.authority}/{name}:1"})}
            cluster.workload("Deployment", name, pod["spec"], [pod] * 20)
        found = workloads(data())
        asked = len(host.requests)
        offline = workloads(data("--no-lookup"))
    assert found == {
        "shop Deployment/plain": {"missed": 20},
        "shop Deployment/tini": {"skipped": 20},
    }
    assert asked <= 12  # forty pods, two images
    assert offline == {
        "shop Deployment/plain": {"unresolved": 20},
        "shop Deployment/tini": {"unresolved": 20},
    }


def test_it_plans_by_the_settings_of_the_webhook_that_runs(cluster: Cluster, data: Data) -> None:
    cluster.settings(
        images="registry.example/app*: {entrypoint: [tini, run]}\n",
        RUNTIME_CLASSES="strange",
        IMAGES_FILE="/etc/initshim/config/images.yaml",
    )
    strange = {"spec": spec(runtimeClassName="strange")}
    known = {"spec": spec({"name": "app", "image": "registry.example/app:1"})}
    cluster.workload("Deployment", "a", strange["spec"], [strange])
    cluster.workload("Deployment", "b", known["spec"], [known])
    outcomes = [each["containers"][0]["outcome"] for each in data()["workloads"]]
    assert outcomes == ["runtime-class", "has-init"]


def test_an_images_file_that_cannot_be_read_is_said(cluster: Cluster, audit: Run) -> None:
    cluster.settings(IMAGES_FILE="/etc/initshim/config/images.yaml")
    result = audit()
    assert result.exit_code == 0
    assert "Its images file is not known here." in " ".join(result.stderr.split())


def test_a_webhook_without_a_deployment_is_said(cluster: Cluster, audit: Run) -> None:
    cluster.server.delete("/apis/apps/v1/namespaces/initshim/deployments/initshim")
    said = " ".join(audit().stderr.split())
    assert "No Deployment is behind Service initshim/initshim." in said
    assert "Pods are planned by the settings of this environment instead." in said


def test_where_the_policy_wraps_it_is_what_pods_are_older_than(
    cluster: Cluster, audit: Run, data: Data
) -> None:
    cluster.install_policy()
    cluster.workload("Deployment", "a", spec(), [BARE], created=BEFORE)
    cluster.workload("Deployment", "b", spec(), [BARE], created=AFTER)
    assert [each["containers"][0]["why"] for each in data()["workloads"]] == [
        "older than the policy",
        "the policy leaves it, or did not hold when it was created",
    ]
    assert BY_POLICY in " ".join(audit().stderr.split())


def test_where_nothing_is_installed_and_nothing_is_missed_there_is_nothing_to_do(
    cluster: Cluster, audit: Run
) -> None:
    cluster.server.delete(
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/initshim"
    )
    result = audit()
    assert result.exit_code == 0
    assert "without an init" not in result.stdout
    assert "0 missed" in result.stdout


def test_pods_of_what_kubectl_cannot_restart_are_told_whose_they_are(
    cluster: Cluster, audit: Run
) -> None:
    cluster.pod(BARE, owner=("example.com/v1", "Thing", "a"))
    cluster.pod(BARE, owner=("batch/v1", "Job", "b"))
    cluster.server.put(
        "/apis/batch/v1/namespaces/shop/jobs/b", {"metadata": {"name": "b", "namespace": "shop"}}
    )
    said = " ".join(audit().stdout.split())
    assert "restart it with the tools of Thing: kubectl rollout restart knows it not" in said
    assert "delete it and create it again: it makes its pods once" in said


def test_on_a_terminal_a_bar_is_drawn_beside_the_answer(
    cluster: Cluster, audit: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.pod(BARE)
    plain = audit("-o", "json")
    monkeypatch.setenv("FORCE_COLOR", "1")
    drawn = audit("-o", "json")
    assert drawn.stdout == plain.stdout
    assert "namespaces" in drawn.stderr
    assert "\x1b" not in plain.stderr


def test_opted_out_clusters_are_audited_by_their_own_selector(cluster: Cluster, data: Data) -> None:
    rules = [
        {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system"]},
        {"key": "initshim.dev/inject", "operator": "NotIn", "values": ["disabled", "false"]},
    ]
    cluster.install(
        namespaceSelector={"matchExpressions": rules},
        matchConditions=[
            {"name": "not-gke-system", "expression": "!request.namespace.startsWith('gke-')"},
            {"name": "not-mirror", "expression": "true"},
        ],
    )
    cluster.namespace("kube-system", {"kubernetes.io/metadata.name": "kube-system"})
    cluster.namespace("left", {"initshim.dev/inject": "disabled"})
    cluster.namespace("gke-managed", {})
    found = data()
    assert found["namespaces"] == ["other", "shop"]
    assert found["notes"] == []


def test_a_condition_that_nobody_here_knows_is_said(cluster: Cluster, audit: Run) -> None:
    cluster.install(matchConditions=[{"name": "only-on-mondays"}])
    assert "only-on-mondays" in audit().stderr


def test_an_object_selector_leaves_pods_out(cluster: Cluster, data: Data) -> None:
    cluster.install(objectSelector={"matchLabels": {"init": "yes"}})
    cluster.pod(BARE, name="without")
    cluster.pod({**BARE, "metadata": {"labels": {"init": "yes"}}}, name="with")
    assert workloads(data()) == {"shop Pod/with": {"missed": 1}, "shop Pod/without": {"skipped": 1}}


def test_one_namespace_is_audited_alone(cluster: Cluster, data: Data) -> None:
    cluster.namespace("billing")
    cluster.pod(BARE, name="a")
    cluster.pod(BARE, name="b", namespace="billing")
    assert workloads(data("-n", "billing")) == {"billing Pod/b": {"missed": 1}}
    assert "GET /api/v1/namespaces" not in cluster.server.log
    assert "GET /api/v1/namespaces/shop/pods" not in cluster.server.log


def test_a_namespace_that_is_not_opted_in_is_said_and_not_audited(audit: Run) -> None:
    result = audit("-n", "other")
    assert result.exit_code == 1
    assert "The namespace other is not opted in" in result.stderr
    assert "initshim audit --what-if other" in result.stderr
    assert "not found" in audit("-n", "nowhere").stderr


def test_without_the_webhook_it_says_so_and_goes_by_the_label(cluster: Cluster, audit: Run) -> None:
    cluster.server.delete(
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/initshim"
    )
    cluster.pod(BARE)
    result = audit()
    assert "initshim is not installed here" in result.stderr
    assert "1 missed" in result.stdout


def rights(*verbs: str) -> set[Rule]:
    return {Rule(*verb.split()) for verb in verbs}


def test_a_missing_right_is_named_with_the_commands_that_grant_it(
    cluster: Cluster, audit: Run
) -> None:
    cluster.server.rules = set()
    result = audit()
    assert result.exit_code == 1
    assert "Grant the verb 'list' on namespaces" in result.stderr
    assert "kubectl create clusterrole initshim-audit --verb=get,list" in result.stderr
    assert result.stderr.endswith("--clusterrole=initshim-audit --user=jane\n")
    cluster.server.user = "system:serviceaccount:ops:robot"
    assert audit().stderr.endswith("--clusterrole=initshim-audit --serviceaccount=ops:robot\n")


def test_a_user_of_one_namespace_audits_that_one(cluster: Cluster, audit: Run) -> None:
    cluster.server.rules = rights("list pods", "list replicasets")
    cluster.workload("Deployment", "web", spec(), [BARE])
    result = audit("-n", "shop")
    assert result.exit_code == 0, result.output
    assert "Deployment/web" in result.stdout
    assert "taken by the label" in result.stderr


def test_where_owners_may_not_be_read_the_rest_is_still_told(cluster: Cluster, audit: Run) -> None:
    cluster.server.rules = rights("list mutatingwebhookconfigurations", "list namespaces",
        "list pods", "get deployments")  # fmt: skip
    cluster.workload("Deployment", "web", spec(), [BARE])
    result = audit()
    assert result.exit_code == 1
    assert "ReplicaSet/web-5d9f" in result.stdout
    assert "Grant the verb 'list' on replicasets.apps" in result.stderr


def test_thousands_of_pods_are_read_page_by_page_and_no_bar_is_drawn_into_a_file(
    cluster: Cluster, audit: Run
) -> None:
    for number in range(4):
        cluster.namespace(f"team-{number}")
        owner = ("apps/v1", "StatefulSet", "db")
        for _ in range(510):
            cluster.pod(SEEN, namespace=f"team-{number}", owner=owner)
    result = audit()
    assert "2,040 pods in 5 opted-in namespaces: 2,040 wrapped" in result.stdout
    assert result.stderr == ""
    assert cluster.server.log.count("GET /api/v1/namespaces/team-1/pods") == 3


@pytest.mark.parametrize(
    "words", [("--what-if", "a", "-n", "b"), ("--reaped", "--restart"), ("--fail-on", "ended")]
)
def test_questions_that_do_not_go_together_are_refused(audit: Run, words: tuple[str, ...]) -> None:
    assert audit(*words).exit_code in {1, 2}


def test_missed_bare_pods_share_a_line(cluster: Cluster, audit: Run) -> None:
    for name in ("a", "b", "c"):
        cluster.pod(BARE, name=name)
    assert (
        "To do\n"
        "  shop: 3 bare pods missed: created when the webhook did not answer (a, b, c)\n"
        "    delete each and create it again: nobody else does\n"
        "\n"
    ) in audit().stdout


def test_after_an_uninstall_the_remedy_is_to_install(cluster: Cluster, audit: Run) -> None:
    cluster.server.delete(
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/initshim"
    )
    cluster.pod(BARE)
    cluster.workload("Deployment", "web", spec(), [BARE])
    result = audit()
    assert "2 pods without an init: initshim is not installed\n    helm install" in result.stdout
    assert "restart" not in result.stdout
    assert "create it again" not in result.stdout


def test_a_pod_that_waits_for_the_reaper_is_stuck(cluster: Cluster, audit: Run, data: Data) -> None:
    waiting = {"waiting": {"reason": "ErrImagePull", "message": "no such host"}}
    status = {"phase": "Pending", "initContainerStatuses": [{"name": "initshim", "state": waiting}]}
    cluster.workload("Deployment", "web", spec(), [{**SEEN, "status": status}] * 2 + [SEEN])
    assert workloads(data()) == {"shop Deployment/web": {"wrapped": 1, "stuck": 2}}
    said = audit().stdout
    assert "2 pods can't start: the reaper's image reaper:1 can't be pulled (ErrImagePull)" in said
    assert said.endswith("1 wrapped, 0 skipped, 0 unresolved, 0 missed, 2 stuck.\n")
    assert audit("--fail-on", "stuck").exit_code == 3


def test_a_pod_that_failed_for_want_of_the_reaper_has_not_just_ended(
    cluster: Cluster, data: Data
) -> None:
    """`restartPolicy: Never`, as Jobs have it: there is no second try, and nothing waits."""
    for name, code in (("ours", 1), ("own", 0)):
        ended = {"terminated": {"exitCode": code}}
        init = {"name": "initshim", "state": ended, "ready": code == 0}
        status = {"phase": "Failed", "initContainerStatuses": [init]}
        cluster.pod({**SEEN, "status": status}, name=name)
    assert workloads(data()) == {"shop Pod/ours": {"stuck": 1}, "shop Pod/own": {"ended": 1}}


@pytest.mark.parametrize(
    "says",
    [
        'Back-off pulling image "{repository}:1"',
        "build image source: reading manifest 1 in {repository}: manifest unknown",
    ],
    ids=["kubelet", "cri-o"],
)
def test_a_pod_whose_image_volume_cannot_be_pulled_is_stuck(
    cluster: Cluster, data: Data, says: str
) -> None:
    pod = wrapped({"spec": spec()}, Delivery("r.io/reaper:1", "1", as_volume=True))
    waiting = {"reason": "ErrImagePull", "message": says.format(repository="r.io/reaper")}
    status = {
        "phase": "Pending",
        "containerStatuses": [{"name": "app", "state": {"waiting": waiting}}],
    }
    cluster.pod({**pod, "status": status}, name="a")
    waiting = {**waiting, "message": says.format(repository="r.io/reaper-of-another")}
    status = {
        "phase": "Pending",
        "containerStatuses": [{"name": "app", "state": {"waiting": waiting}}],
    }
    cluster.pod({**pod, "status": status}, name="b")
    assert workloads(data()) == {"shop Pod/a": {"stuck": 1}, "shop Pod/b": {"wrapped": 1}}
