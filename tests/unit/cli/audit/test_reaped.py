"""`initshim audit --reaped`: the reapers' own counts, and who leaks fastest."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result

from tests.fakes.cluster import Cluster, container, running, spec, wrapped
from tests.fakes.kubelet import Call, Kubelet, serving
from tests.reaper import kernel
from webhook.cli.audit import print_reaped, reaped
from webhook.cli.audit.compare import State
from webhook.cli.audit.list_pods import Audited
from webhook.cli.audit.owners import Workload
from webhook.cli.audit.progress import Bar
from webhook.kube.connect import Connection
from webhook.kube.errors import ApiUnreachable, Forbidden, KubeError, Missing, NotStarted

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOUR_AGO, DAY_AGO = "2026-11-26T11:00:00Z", "2026-11-25T12:00:00Z"
WEB, DB = (Workload("shop", "Deployment", name, "apps/v1") for name in ("web", "db"))


def pod(name: str, workload: Workload, started: str, container: str = "app") -> Audited:
    since = {container: started}
    return Audited("shop", name, workload, State.WRAPPED, since=since)


def ask(pods: list[Audited], says: dict[str, str | KubeError]) -> tuple[reaped.Count, ...]:
    async def read(_namespace: str, name: str, _container: str) -> str:
        answer = says[name]
        if isinstance(answer, KubeError):
            raise answer
        return answer

    return asyncio.run(reaped.ask(pods, read, now=NOW, bar=Bar(None)))


def test_the_one_that_leaks_fastest_comes_first_however_long_others_have_run() -> None:
    pods = [pod("a", DB, DAY_AGO), pod("b", WEB, HOUR_AGO), pod("c", WEB, HOUR_AGO)]
    counts = ask(pods, {"a": "init:2400\n", "b": "init:900\n", "c": "init:0\n"})
    first, second = reaped.ranked(counts)
    assert (first.workload, first.reaped, first.per_hour, first.worst) == (WEB, 900, 450.0, "b")
    assert (second.workload, second.reaped, second.per_hour, second.pods) == (DB, 2400, 100.0, 1)


def test_who_can_not_be_asked_is_said_by_cause_and_not_ranked() -> None:
    pods = [pod(str(number), WEB, HOUR_AGO) for number in range(6)]
    says: dict[str, str | KubeError] = {
        "0": NotStarted("no cat"),
        "1": NotStarted("no cat"),
        "2": Missing("gone"),
        "3": ApiUnreachable("no answer"),
        "4": "nginx\n",
        "5": "init:1\n",
    }
    counts = ask(pods, says)
    assert [each.pods for each in reaped.ranked(counts)] == [1]
    assert sorted(reaped.problems(counts)) == [
        "1 container not asked: it did not answer",
        "1 container not asked: its PID 1 is not the reaper",
        "1 container not asked: the pod is gone",
        "2 containers not asked: its image has no cat (reading /proc/1/comm needs one)",
    ]


def test_a_namespace_that_refuses_is_asked_no_more() -> None:
    asked = []

    async def read(_namespace: str, name: str, _container: str) -> str:
        asked.append(name)
        raise Forbidden("no")

    pods = [pod(str(number), WEB, HOUR_AGO) for number in range(100)]
    counts = asyncio.run(reaped.ask(pods, read, now=NOW, bar=Bar(None)))
    assert len(asked) <= 8
    (line,) = reaped.problems(counts)
    assert line.startswith("100 containers not asked: no right in namespace shop: kubectl -n shop")


@pytest.mark.parametrize("name", ["init", "init:", "init:x", "", "initialize", "init:1:2"])
def test_a_name_that_the_reaper_does_not_write_is_no_count(name: str) -> None:
    (count,) = ask([pod("a", WEB, HOUR_AGO)], {"a": name})
    assert count.problem


def test_a_start_that_nobody_can_read_or_that_is_ahead_does_not_break_the_rate() -> None:
    pods = [pod("a", WEB, "None"), pod("b", DB, "2026-11-26T13:00:00Z")]
    for leak in reaped.ranked(ask(pods, {"a": "init:1", "b": "init:1"})):
        assert leak.per_hour == 60.0


@pytest.fixture
def through_kubelet(monkeypatch: pytest.MonkeyPatch) -> Callable[[Kubelet], None]:
    """Send execs to the kubelet; the simulated API server has no WebSockets."""

    def direct(kubelet: Kubelet) -> None:
        real = print_reaped.reader

        def reader(connection: Connection) -> reaped.Read:
            return real(replace(connection, server=kubelet.url))

        monkeypatch.setattr(print_reaped, "reader", reader)

    return direct


def test_it_execs_in_every_wrapped_container_that_runs(
    cluster: Cluster, audit: Callable[..., Result], through_kubelet: Callable[[Kubelet], None]
) -> None:
    two = running(wrapped({"spec": spec(container(), container("side", command=["tini", "x"]))}))
    cluster.workload("Deployment", "web", spec(), [two] * 12)
    scratch = running(wrapped({"spec": spec(container("scratch"))}))
    cluster.workload("Deployment", "small", spec(), [scratch])
    cluster.pod(wrapped({"spec": spec()}), name="pending")
    kubelet = Kubelet({"app": ["echo", "init:7"], "scratch": ["no-such-cat"]})
    with serving(kubelet):
        through_kubelet(kubelet)
        result = audit("--reaped")
    assert result.exit_code == 0  # one could not be asked: said, and no failure
    assert {each.command for each in kubelet.calls} == {("cat", "/proc/1/comm")}
    assert [each.container for each in kubelet.calls].count("app") == 12
    assert len(kubelet.calls) == 13
    assert kubelet.busiest <= 8
    head, row, _, total = result.stdout.splitlines()
    assert " ".join(head.split()) == "NAMESPACE WORKLOAD CONTAINER PODS REAPED PER HOUR MOST IN"
    assert row.split()[:5] == ["shop", "Deployment/web", "app", "12", "84"]
    assert total == "84 zombies reaped in 12 of 13 wrapped containers."
    assert "1 container not asked: its image has no cat" in result.stderr


@pytest.fixture
def reaper() -> Iterator[subprocess.Popen[str]]:
    """The real reaper, with two orphans reaped."""
    script = "(true &); (true &); echo ready; exec sleep 60"
    command = [sys.executable, "-m", "initshim", "-s", "--", "sh", "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        assert running.stdout.readline() == "ready\n"
        yield running
        running.terminate()


def test_what_the_real_reaper_shows_is_what_is_read(
    cluster: Cluster,
    audit: Callable[..., Result],
    through_kubelet: Callable[[Kubelet], None],
    reaper: subprocess.Popen[str],
) -> None:
    cluster.workload("Deployment", "web", spec(), [running(wrapped({"spec": spec()}))])
    name = Path(f"/proc/{reaper.pid}/comm")
    kernel.wait_until(lambda: name.read_text() == "init:2\n", "two orphans were counted")
    with serving(Kubelet({"app": ["cat", str(name)]})) as kubelet:
        through_kubelet(kubelet)
        result = audit("--reaped")
    assert "2 zombies reaped in 1 of 1 wrapped container." in result.stdout


@pytest.mark.parametrize("code", [126, 127])
def test_a_runtime_that_reports_a_missing_program_as_a_shell_does_is_understood(
    cluster: Cluster,
    audit: Callable[..., Result],
    through_kubelet: Callable[[Kubelet], None],
    code: int,
) -> None:
    cluster.workload("Deployment", "web", spec(), [running(wrapped({"spec": spec()}))])
    with serving(Kubelet({"app": ["sh", "-c", f"exit {code}"]})) as kubelet:
        through_kubelet(kubelet)
        result = audit("--reaped")
    assert "1 container not asked: its image has no cat" in result.stderr


def test_where_nothing_is_wrapped_there_is_no_table(
    cluster: Cluster, audit: Callable[..., Result]
) -> None:
    cluster.workload("Deployment", "web", spec(), [running({"spec": spec()})])
    assert audit("--reaped").stdout == "0 zombies reaped in 0 of 0 wrapped containers.\n"


def test_where_nobody_could_be_asked_the_missing_right_is_said(
    cluster: Cluster, audit: Callable[..., Result], through_kubelet: Callable[[Kubelet], None]
) -> None:
    cluster.workload("Deployment", "web", spec(), [running(wrapped({"spec": spec()}))])

    def refuse(_call: Call) -> tuple[int, str]:
        return 403, 'pods "x" is forbidden: User "jane" cannot create resource "pods/exec"'

    kubelet = Kubelet(refuse=refuse)
    with serving(kubelet):
        through_kubelet(kubelet)
        result = audit("--reaped", "-o", "json")
    assert result.exit_code == 1
    assert "--verb=get,create --resource=pods/exec" in result.stdout
