"""`initshim audit --restart`: what owns missed pods is restarted, after asking."""

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from tests.fakes.api_server import Rule
from tests.fakes.cluster import Cluster, spec, wrapped
from webhook.cli.audit import restart

Run = Callable[..., Result]
BARE = {"spec": spec()}
SEEN = wrapped(BARE)
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"


def restarted(cluster: Cluster) -> list[str]:
    return sorted(
        path.rpartition("/")[2]
        for path, each in cluster.server.objects.items()
        if RESTARTED_AT in str((each.get("spec") or {}).get("template"))
    )


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it believe that a person sits there."""

    class Person:
        def __getattr__(self, name: str) -> Any:
            return getattr(restart_stdin(), name)

        def isatty(self) -> bool:
            return True

    def restart_stdin() -> Any:
        import sys

        return sys.stdin

    monkeypatch.setattr(restart, "sys", type("sys", (), {"stdin": Person()}))


@pytest.fixture
def missed(cluster: Cluster) -> Cluster:
    cluster.workload("Deployment", "web", spec(), [SEEN, BARE])
    cluster.workload("StatefulSet", "db", spec(), [BARE])
    cluster.workload("DaemonSet", "agent", spec(), [BARE])
    cluster.workload("Deployment", "fine", spec(), [SEEN])
    cluster.workload("CronJob", "nightly", spec(), [BARE])
    cluster.pod(BARE, name="debug")
    return cluster


def test_what_owns_missed_pods_is_restarted_and_nothing_else(missed: Cluster, audit: Run) -> None:
    result = audit("--restart", "--yes")
    assert result.exit_code == 0, result.output
    assert restarted(missed) == ["agent", "db", "web"]
    assert "shop Deployment/web restarted" in result.stderr
    assert "shop Pod/debug can't be restarted: delete the pod and create it again" in result.stderr
    assert "nightly can't be restarted: wait for its next run" in result.stderr


def test_it_says_so_where_the_webhook_would_miss_the_new_pods_too(
    missed: Cluster, audit: Run
) -> None:
    missed.server.admit = lambda _path, given: (given, [])
    assert "came back unwrapped" in audit("--restart", "--yes").stderr
    missed.server.admit = lambda _path, given: (wrapped(given), [])
    assert "came back unwrapped" not in audit("--restart", "--yes").stderr


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(("said", "done"), [("y\n", ["agent", "db", "web"]), ("\n", [])])
def test_it_asks_first_and_nothing_said_is_a_no(
    missed: Cluster, audit: Run, said: str, done: list[str]
) -> None:
    result = audit("--restart", stdin=said)
    assert result.exit_code == 0, result.output
    assert "Restart these 3?" in result.stderr
    assert restarted(missed) == done


def test_where_nobody_can_answer_it_restarts_nothing(missed: Cluster, audit: Run) -> None:
    result = audit("--restart")
    assert result.exit_code == 2
    assert "Add --yes" in result.stderr
    assert restarted(missed) == []


def test_without_missed_pods_there_is_nothing_to_restart(cluster: Cluster, audit: Run) -> None:
    cluster.workload("Deployment", "fine", spec(), [SEEN])
    result = audit("--restart")
    assert (result.exit_code, restarted(cluster)) == (0, [])
    assert "nothing to restart" in result.stderr


def test_what_would_not_start_pods_is_said_and_left(cluster: Cluster, audit: Run) -> None:
    cluster.workload("Deployment", "paused", spec(), [BARE], paused=True)
    cluster.workload("DaemonSet", "by-hand", spec(), [BARE], updateStrategy={"type": "OnDelete"})
    result = audit("--restart", "--yes")
    assert (result.exit_code, restarted(cluster)) == (1, [])
    assert "kubectl rollout resume -n shop deployment/paused" in result.stderr
    assert "OnDelete" in result.stderr


def test_a_missing_right_stops_one_workload_and_not_the_next(missed: Cluster, audit: Run) -> None:
    missed.server.rules = {
        *(Rule("list", each) for each in ("mutatingwebhookconfigurations", "namespaces", "pods")),
        *(Rule("list", each) for each in ("replicasets", "jobs")),
        *(Rule("get", each) for each in ("deployments", "statefulsets", "daemonsets")),
        Rule("patch", "statefulsets"),
    }
    result = audit("--restart", "--yes")
    assert (result.exit_code, restarted(missed)) == (1, ["db"])
    assert "kubectl create clusterrole initshim-restart --verb=get,patch" in result.stderr
    assert "--resource=deployments.apps" in result.stderr
