"""`initshim leaks` from the command line to the nodes and back, and nothing stays behind."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result

from tests.fakes import proc_folder
from tests.fakes.api_server import Rule
from tests.fakes.cluster import Cluster, container, spec
from tests.fakes.nodes import Nodes
from tests.fakes.proc_folder import Process
from webhook.cli.installation.survey import BY_POLICY
from webhook.cli.leaks import namespace

Leaks = Callable[..., Result]
PODS = "/api/v1/namespaces/initshim-leaks/pods"
# As from a terminal: a test run in the background is started with SIGINT ignored.
_START = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from webhook.cli import start
start()
"""
IDS = [f"{number:064x}" for number in range(9)]


def cgroup(number: int) -> str:
    """A container's cgroup as containerd's systemd driver writes it, cgroup v2."""
    uid = f"8dbc4577_d0e2_4706_8787_{number:012x}"
    return (
        f"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{uid}.slice/"
        f"cri-containerd-{IDS[number]}.scope"
    )


def running(number: int, **more: Any) -> dict[str, Any]:
    """A pod on node n1 whose container is that of `cgroup(number)`."""
    status = {
        "name": "app", "containerID": f"containerd://{IDS[number]}", "state": {"running": {}},
    }  # fmt: skip
    return {
        "spec": spec(container(), nodeName="n1", **more),
        "status": {"phase": "Running", "containerStatuses": [status]},
    }


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two nodes' processes: on n1 PID 1 of web leaks, a worker of db leaks, and idle is deaf."""
    of_web = [
        Process(pid=100, inner=1, parent=9, cgroup=cgroup(1), catches_term=True),
        *(Process(pid=110 + at, name="sh", state="Z", parent=100) for at in range(7)),
    ]
    of_db = [
        Process(pid=200, inner=1, parent=9, name="db", cgroup=cgroup(2), catches_term=True),
        Process(pid=201, inner=7, parent=200, name="worker", cgroup=cgroup(2)),
        *(Process(pid=210 + at, name="curl", state="Z", parent=201) for at in range(3)),
    ]
    idle = Process(pid=300, inner=1, parent=9, name="idle", cgroup=cgroup(3))
    own = [Process(pid=1, name="systemd"), Process(pid=9, name="containerd")]
    root = tmp_path_factory.mktemp("nodes")
    first = proc_folder.write(root / "n1", *own, *of_web, *of_db, idle)
    return first, proc_folder.write(root / "n2", *own)


@pytest.fixture
def leaky(cluster: Cluster, nodes: Nodes, folders: tuple[Path, Path]) -> Nodes:
    """Two nodes with those processes, and the pods that they are of."""
    for name, folder in zip(("n1", "n2"), folders, strict=True):
        nodes.add(name, folder)
    cluster.namespace("initshim-leaks", {"pod-security.kubernetes.io/enforce": "privileged"})
    cluster.namespace("shop", {})
    cluster.workload("Deployment", "web", spec(), [running(1)])
    cluster.workload("Deployment", "db", spec(), [running(2)])
    cluster.workload("Deployment", "idle", spec(), [running(3)])
    return nodes


def pods(cluster: Cluster) -> list[str]:
    return [path for path in cluster.server.objects if path.startswith(f"{PODS}/")]


def test_a_pod_out_of_all_proportion_is_named_and_ends_nothing(
    cluster: Cluster,
    leaky: Nodes,  # noqa: ARG001
    leaks: Leaks,
) -> None:
    crowd = {"spec": spec(*(container(f"c{number}") for number in range(300)))}
    cluster.pod(crowd, name="crowd")
    result = leaks()
    assert result.exit_code == 1  # in part
    assert "initshim leaks: pod shop/crowd: it has 300 containers, more than 256" in result.stderr
    assert "Deployment/web" in result.stdout


def test_who_leaks_why_and_whether_it_is_mended(leaky: Nodes, leaks: Leaks) -> None:
    result = leaks("-o", "json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    web, db = found["leaks"]
    assert (web["workload"]["name"], web["zombies"], web["cause"]) == ("web", 7, "pid-1")
    assert (web["commands"], web["mended"]) == ({"sh": 7}, True)
    assert (db["workload"]["name"], db["zombies"], db["cause"]) == ("db", 3, "parent")
    assert (db["parents"], db["mended"]) == (["worker"], False)
    (deaf,) = found["deaf"]
    assert (deaf["workload"]["name"], deaf["program"], deaf["grace"]) == ("idle", "idle", 30)
    assert len(leaky.made) == 2


def test_nothing_stays_and_rights_are_said_first(
    leaky: Nodes, leaks: Leaks, cluster: Cluster
) -> None:
    result = leaks()
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("initshim leaks: this needs the rights: list pods")
    assert "Deployment/web" in result.stdout
    assert "not mended by any init: worker" in result.stdout
    assert pods(cluster) == []
    assert "/api/v1/namespaces/initshim-leaks" in cluster.server.objects
    assert leaky.made


def test_its_pods_have_no_rights_but_to_see_processes(leaky: Nodes, leaks: Leaks) -> None:
    leaks()
    for pod in leaky.made:
        given = pod["spec"]
        (only,) = given["containers"]
        assert given["hostPID"] is True
        assert given["automountServiceAccountToken"] is False
        assert given["securityContext"]["runAsNonRoot"] is True
        assert only["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert only["securityContext"]["readOnlyRootFilesystem"] is True
        assert not {"volumes", "hostNetwork", "hostIPC"} & given.keys()
        assert 1 < given["activeDeadlineSeconds"] < 600
        assert pod["metadata"]["labels"]["initshim.dev/inject"] == "false"


@pytest.mark.parametrize("namespace", [None, "baseline"])
def test_a_namespace_that_does_not_allow_it_is_named_and_not_made(
    leaks: Leaks, cluster: Cluster, nodes: Nodes, tmp_path: Path, namespace: str | None
) -> None:
    nodes.add("n1", proc_folder.write(tmp_path / "n1", Process(pid=1)))
    if namespace:
        cluster.namespace("initshim-leaks", {"pod-security.kubernetes.io/enforce": namespace})
    result = leaks()
    assert result.exit_code == 1
    assert "hostPID" in result.stderr
    assert "--exec" in result.stderr
    assert nodes.made == []


def test_a_namespace_of_its_own_is_made_and_gone_again(
    leaks: Leaks, cluster: Cluster, nodes: Nodes, tmp_path: Path
) -> None:
    nodes.add("n1", proc_folder.write(tmp_path / "n1", Process(pid=1)))
    result = leaks("--create-namespace")
    assert result.exit_code == 0, result.output
    assert len(nodes.made) == 1
    assert "/api/v1/namespaces/initshim-leaks" not in cluster.server.objects
    assert pods(cluster) == []


def test_nodes_that_can_not_be_looked_at_are_said_and_the_others_are(
    leaky: Nodes, leaks: Leaks, cluster: Cluster
) -> None:
    leaky.add("win", None, system="windows")
    leaky.add("away", None, ready="Unknown")
    leaky.stuck.add("n2")
    result = leaks("--image", "registry.example/reaper:1")
    assert result.exit_code == 1
    assert "node win: it runs windows" in result.stderr
    assert "node away: it is not ready" in result.stderr
    assert "can't pull registry.example/reaper:1" in result.stderr
    assert "--image" in result.stderr
    assert "Deployment/web" in result.stdout
    assert pods(cluster) == []


def test_a_node_that_was_counted_in_part_or_not_at_all_is_said(
    leaky: Nodes, leaks: Leaks, tmp_path: Path
) -> None:
    leaky.add("n3", proc_folder.write(tmp_path / "n3", Process(pid=7)))  # hidepid: no PID 1
    leaky.add("n4", tmp_path / "none")
    result = leaks()
    assert result.exit_code == 1
    assert "Node n3: its /proc shows processes to their owners only (hidepid)" in result.stderr
    assert "Node n4: the pod failed: it ended with an error" in result.stderr
    assert "Deployment/web" in result.stdout


@pytest.mark.slow
def test_a_namespace_that_is_being_deleted_is_not_waited_for_for_ever(
    leaky: Nodes, leaks: Leaks, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert leaky
    monkeypatch.setattr(namespace, "_LEAVING", 1)
    there = cluster.server.objects["/api/v1/namespaces/initshim-leaks"]
    cluster.server.put(
        "/api/v1/namespaces/initshim-leaks", {**there, "status": {"phase": "Terminating"}}
    )
    result = leaks()
    assert result.exit_code == 1
    said = "The namespace initshim-leaks is being deleted. Name another one: --pods-in."
    assert said in result.stderr
    assert leaky.made == []


def test_where_the_policy_wraps_that_is_said(leaky: Nodes, leaks: Leaks, cluster: Cluster) -> None:
    assert leaky
    cluster.install_policy()
    result = leaks()
    assert result.exit_code == 0, result.output
    assert BY_POLICY in result.stderr


def test_from_inside_it_says_what_that_needs(leaky: Nodes, leaks: Leaks) -> None:
    """The simulated API server lets nobody exec."""
    result = leaks("--exec")
    assert result.exit_code == 1
    assert "get and create pods/exec" in result.stderr
    assert "not looked into: Can't exec in Pod shop/pod-00001, container app" in result.stderr
    assert leaky.made == []


def test_a_node_that_is_not_there_is_said(leaky: Nodes, leaks: Leaks) -> None:
    result = leaks("--node", "n9")
    assert result.exit_code == 1
    assert "n9" in result.stderr
    assert "no such node" in result.stderr
    assert leaky.made == []


def test_dry_run_shows_the_pods_and_makes_none(leaky: Nodes, leaks: Leaks) -> None:
    result = leaks("--dry-run", "--create-namespace")
    assert result.exit_code == 0
    shown = list(yaml.safe_load_all(result.stdout))
    assert [each["kind"] for each in shown] == ["Namespace", "Pod", "Pod"]
    leaky.add("win", None, system="windows")
    assert "node win: it runs windows" in leaks("--dry-run").stderr
    assert leaky.made == []


def test_a_missing_right_is_said(leaky: Nodes, leaks: Leaks, cluster: Cluster) -> None:
    cluster.server.rules = {Rule("list", "nodes"), Rule("get", "namespaces")}
    result = leaks()
    assert result.exit_code == 1
    assert "pods" in result.stderr
    assert leaky.made == []


# What docs/leaks.md gives a CI user that looks by nodes; the node's tests apply the page itself.
BY_NODES = (
    *(Rule("list", each) for each in ("pods", "nodes", "replicasets", "jobs")),
    *(Rule(verb, "pods") for verb in ("create", "get", "delete", "deletecollection")),
    Rule("get", "namespaces", "initshim-leaks"),
    Rule("get", "log"),  # pods/log: the simulator names a subresource by its own name
)


def test_with_the_rights_of_the_page_it_looks(leaky: Nodes, leaks: Leaks, cluster: Cluster) -> None:
    cluster.server.rules = set(BY_NODES)
    result = leaks()
    assert (leaky.made != [], result.exit_code) == (True, 0), result.output
    assert "Deployment/web" in result.stdout
    assert "the pods' PID limits are not known" in result.stderr


@pytest.mark.parametrize(
    "lacks",
    [each for each in BY_NODES if each.resource != "jobs"],  # no pod here is a Job's
    ids=lambda rule: f"{rule.verb} {rule.resource}",
)
def test_each_right_that_is_missing_is_named_and_no_pod_stays(
    leaky: Nodes, leaks: Leaks, cluster: Cluster, lacks: Rule
) -> None:
    cluster.server.rules = set(BY_NODES) - {lacks}
    result = leaks()
    assert pods(cluster) == []
    if lacks.verb == "delete":  # what sweeps at the end is another right
        assert (leaky.made != [], result.exit_code) == (True, 0)
        return
    assert result.exit_code == 1, result.output
    said = "".join(result.stderr.splitlines()[2:])  # after the rights that it says it needs
    if lacks.verb == "deletecollection":
        assert "kubectl -n initshim-leaks delete pods -l initshim.dev/leaks=" in said
    else:
        assert f'cannot {lacks.verb} resource "{lacks.resource}"' in said


def test_a_pods_limit_is_read_from_its_kubelet(
    leaky: Nodes, leaks: Leaks, cluster: Cluster
) -> None:
    assert leaky
    configz = json.dumps({"kubeletconfig": {"podPidsLimit": 100}})
    cluster.server.texts["/api/v1/nodes/n1/proxy/configz"] = configz
    cluster.server.texts["/api/v1/nodes/n2/proxy/configz"] = configz
    result = leaks("-o", "json")
    assert "PID limits are not known" not in result.stderr
    web = json.loads(result.stdout)["leaks"][0]
    assert web["room"] == {
        "of": "pod", "name": "shop/pod-00001", "tasks": 9, "limit": 100, "hours": None,
    }  # fmt: skip


def test_a_script_can_ask_whether_something_leaks(leaky: Nodes, leaks: Leaks) -> None:
    assert leaky
    assert leaks("--fail-on-leaks").exit_code == 3


def test_the_page_holds_all_and_fetches_nothing(leaky: Nodes, leaks: Leaks) -> None:
    assert leaky
    page = leaks("-o", "html").stdout
    assert page.startswith("<!doctype html>")
    assert "Deployment/web" in page
    assert "<svg" in page
    for fetching in ("http:", "https:", "src=", "<link", "@import", "url("):
        assert fetching not in page


@pytest.mark.slow  # it starts programs
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_middle_nothing_stays(
    leaky: Nodes, cluster: Cluster, config: Path, number: signal.Signals
) -> None:
    leaky.slow |= {"n1", "n2"}
    command = [sys.executable, "-c", _START, "leaks", "--kubeconfig", str(config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        while len(pods(cluster)) < 2:
            assert running.poll() is None
            time.sleep(0.05)
        running.send_signal(number)
        _, stderr = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "stopped" in stderr
    assert pods(cluster) == []
