"""`initshim leaks` on a real node, and each count beside the node's own /proc and cgroups."""

import json
import re
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.integration.node import cgroups, leaks, leaky
from tests.integration.node.cluster import Cluster
from tests.integration.node.components import kubelet
from tests.integration.node.layout import CGROUP, NODE, ROOT
from tests.integration.node.leaks import PODS_IN, Ran

_CREATE = "--create-namespace"


@dataclass(frozen=True)
class Shop:
    """A namespace with the leaky workloads: its name, and their pods."""

    namespace: str
    pods: Mapping[str, str]


@pytest.fixture(scope="module")
def shop_without(cluster: Cluster) -> Iterator[Shop]:
    """The workloads as they are."""
    for name in cluster.namespace("leaky"):
        yield Shop(name, leaky.start(cluster, name))


@pytest.fixture(scope="module")
def shop_with(cluster: Cluster) -> Iterator[Shop]:
    """The same in a namespace that is opted in."""
    for name in cluster.namespace("mended", **{"initshim.dev/inject": "enabled"}):
        yield Shop(name, leaky.start(cluster, name))


@pytest.fixture(scope="module")
def config(cluster: Cluster) -> Path:
    return cluster.node.layout.kubeconfig


def test_each_fault_is_named_and_counted_as_the_nodes_own_proc_has_it(
    cluster: Cluster, shop_without: Shop, config: Path
) -> None:
    shop = shop_without
    before = {name: cluster.zombies(shop.namespace, pod) for name, pod in shop.pods.items()}
    ran = leaks.run(config, *leaks.by_nodes(_CREATE, "-n", shop.namespace))
    after = {name: cluster.zombies(shop.namespace, pod) for name, pod in shop.pods.items()}
    assert ran.code == 0, ran.stderr
    for name in ("checkout", "tracker"):  # PID 1 at fault; the second in an image without anything
        (leak,) = ran.of("leaks", name)
        assert (leak["cause"], leak["mended"], leak["verdict"]) == (
            "pid-1", True, "mended by initshim",
        )  # fmt: skip
        assert before[name] < leak["zombies"] < after[name]
        assert leak["hourly"] > 0
        assert leak["parents"] == list(leak["commands"]) == ["leaker"]
    (mailer,) = ran.of("leaks", "mailer")
    assert (mailer["cause"], mailer["mended"]) == ("parent", False)
    assert mailer["zombies"] == before["mailer"] == after["mailer"] == leaky.KEPT
    assert (mailer["commands"], mailer["parents"]) == ({"sleep": leaky.KEPT}, ["idle"])
    assert mailer["verdict"].startswith("not mended by any init: idle")
    assert {each["cause"] for each in ran.of("leaks", "reports")} <= {"late"}
    assert not ran.of("leaks", "gateway")
    ranked = [each["workload"]["name"] for each in ran.found["leaks"]]
    assert ranked.index("mailer") > max(ranked.index("checkout"), ranked.index("tracker"))
    assert leaks.left(cluster) == ""


def test_one_that_waits_late_is_no_leak(cluster: Cluster, shop_without: Shop, config: Path) -> None:
    """Between two of its zombies there is a moment without: some looks see none."""

    def seen() -> bool:
        ran = leaks.run(config, *leaks.by_exec("-n", shop_without.namespace))
        found = ran.of("leaks", "reports")
        assert {each["cause"] for each in found} <= {"late"}, found
        return bool(found) and found[0]["verdict"].startswith("no leak")

    cluster.until(seen)


@pytest.mark.parametrize("words", [leaks.by_nodes(_CREATE), leaks.by_exec()], ids=["nodes", "exec"])
def test_programs_deaf_to_sigterm_are_told_from_those_that_hear(
    shop_without: Shop, config: Path, words: tuple[str, ...]
) -> None:
    ran = leaks.run(config, *words, "-n", shop_without.namespace)
    deaf = {each["workload"]["name"]: each for each in ran.found["deaf"]}
    blind = {"tracker"} if "--exec" in words else set()  # no program in it to look with
    assert set(deaf) == {"checkout", "tracker", "gateway"} - blind
    assert deaf["gateway"]["program"] == "idle"
    assert {each["grace"] for each in deaf.values()} == {leaky.SLOW_TO_STOP}


def test_from_inside_the_same_is_seen_and_what_cannot_be_is_said(
    cluster: Cluster, shop_without: Shop, config: Path
) -> None:
    shop = shop_without
    before = cluster.zombies(shop.namespace, shop.pods["checkout"])
    ran = leaks.run(config, *leaks.by_exec("-n", shop.namespace))
    after = cluster.zombies(shop.namespace, shop.pods["checkout"])
    assert ran.code == 1
    (checkout,) = ran.of("leaks", "checkout")
    assert before < checkout["zombies"] < after
    assert checkout["cause"] == "pid-1"
    (mailer,) = ran.of("leaks", "mailer")
    assert (mailer["zombies"], mailer["cause"], mailer["parents"]) == (
        leaky.KEPT, "parent", ["idle"],
    )  # fmt: skip
    assert not ran.of("leaks", "tracker")
    (problem,) = ran.found["problems"]
    assert problem.startswith("1 container not looked into: nothing in the image can read /proc")


@pytest.mark.parametrize("words", [leaks.by_nodes(_CREATE), leaks.by_exec()], ids=["nodes", "exec"])
def test_a_pods_pid_limit_is_the_kernels_and_its_tasks_too(
    cluster: Cluster, shop_without: Shop, config: Path, words: tuple[str, ...]
) -> None:
    shop = shop_without
    pod = shop.pods["checkout"]
    uid = cluster.pod(shop.namespace, pod)["metadata"]["uid"]
    before = _pids(uid, "pids.current")
    ran = leaks.run(config, *words, "-n", shop.namespace)
    after = _pids(uid, "pids.current")
    (checkout,) = ran.of("leaks", "checkout")
    room = checkout["room"]
    assert (room["of"], room["name"]) == ("pod", f"{shop.namespace}/{pod}")
    assert room["limit"] == _pids(uid, "pids.max") == kubelet.POD_PIDS
    # A shell that looks from inside is a task itself.
    assert before < room["tasks"] < after + 2
    assert 0 < room["hours"] < 1


def test_stopped_in_the_middle_nothing_stays(cluster: Cluster, config: Path) -> None:
    cluster.until(lambda: PODS_IN not in cluster.kubectl("get", "namespaces"))
    for number in (signal.SIGINT, signal.SIGTERM):
        words = [*leaks.by_nodes(_CREATE), "--watch", "10m"]
        with leaks.started(config, *words) as running:
            cluster.until(lambda: "Running" in _status(cluster))
            running.send_signal(number)
            _, stderr = running.communicate(timeout=60)
        assert running.returncode == 130
        assert "its pods are deleted" in stderr
        assert leaks.left(cluster) == ""
        cluster.until(lambda: PODS_IN not in cluster.kubectl("get", "namespaces"))
    cluster.until(lambda: "census" not in _commands())


def test_killed_its_pod_ends_by_itself_and_one_command_sweeps(
    cluster: Cluster, config: Path
) -> None:
    with leaks.started(config, *leaks.by_nodes(_CREATE)) as running:
        cluster.until(lambda: NODE in _status(cluster))
        running.kill()
    cluster.until(lambda: "Succeeded" in _status(cluster))
    page = (ROOT / "docs/leaks.md").read_text()
    (sweep,) = re.findall(r"^kubectl (-n initshim-leaks delete pods .*)$", page, re.MULTILINE)
    cluster.kubectl(*sweep.split())
    assert leaks.left(cluster) == ""
    cluster.kubectl("delete", "namespace", PODS_IN)


def test_wrapped_what_pid_1_left_is_gone_and_what_is_left_is_another_parents(
    cluster: Cluster, shop_with: Shop, config: Path
) -> None:
    ran = leaks.run(config, *leaks.by_nodes(_CREATE, "-n", shop_with.namespace))
    assert ran.code == 0, ran.stderr
    stayed = [each for each in ran.found["leaks"] if each["cause"] != "late"]
    (mailer,) = stayed
    assert (mailer["workload"]["name"], mailer["cause"]) == ("mailer", "parent")
    assert (mailer["wrapped"], mailer["mended"]) == (True, False)
    assert mailer["zombies"] == leaky.KEPT
    assert mailer["verdict"].startswith("not mended by any init: idle")
    assert ran.found["deaf"] == []
    assert cluster.zombies(shop_with.namespace, shop_with.pods["mailer"]) == leaky.KEPT


def test_what_was_spared_is_ranked(cluster: Cluster, shop_with: Shop, config: Path) -> None:
    words = ("audit", "--reaped", "-n", shop_with.namespace, "-o", "json")

    def ranked() -> list[tuple[str, int]]:
        found = leaks.run(config, *words).found["leaks"]
        return [(each["workload"]["name"], each["reaped"]) for each in found]

    cluster.until(lambda: ranked()[0][1] > 20)
    names = [name for name, _ in ranked()]
    assert names[0] == "checkout"
    assert set(names) == {"checkout", "mailer", "reports", "gateway"}  # tracker has no cat


def test_a_ci_user_with_the_rights_of_the_page_and_no_others_can_look(
    cluster: Cluster, shop_without: Shop, tmp_path: Path
) -> None:
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ci"}})
    cluster.kubectl("-n", "ci", "create", "serviceaccount", "looker")
    user = "system:serviceaccount:ci:looker"
    config = _kubeconfig(cluster, tmp_path)
    page = (ROOT / "docs/leaks.md").read_text()
    # A run before this one deleted its namespace, and did not wait for the end of that.
    cluster.kubectl("wait", "--for=delete", f"namespace/{PODS_IN}", "--timeout=60s", check=False)
    try:
        alone = leaks.run(config, *leaks.by_nodes("-n", shop_without.namespace))
        assert (alone.code, alone.stdout) == (1, "")
        assert "nodes" in alone.stderr
        _grant(cluster, page, "by nodes", user)
        ran = leaks.run(config, *leaks.by_nodes("-n", shop_without.namespace))
        assert ran.code == 0, ran.stderr
        assert {"checkout", "mailer", "tracker"} <= _names(ran)
        assert "get nodes/proxy" in ran.stderr
        assert leaks.left(cluster) == ""
        refused = leaks.run(config, *leaks.by_exec("-n", shop_without.namespace))
        assert "no right to exec" in refused.stderr
        _grant(cluster, page, "by exec", user)
        ran = leaks.run(config, *leaks.by_exec("-n", shop_without.namespace))
        assert {"checkout", "mailer"} <= _names(ran)
        for verb, what in (
            ("get", "secrets"),
            ("create", "deployments.apps"),
            ("get", "nodes/proxy"),
        ):
            can = cluster.kubectl("auth", "can-i", verb, what, "-A", "--as", user, check=False)
            assert can.splitlines()[0] == "no"
    finally:
        for name in (PODS_IN, "ci"):
            cluster.kubectl("delete", "namespace", name)
        for kind in ("clusterrole", "clusterrolebinding"):
            names = ("initshim-leaks", "initshim-leaks-exec")
            cluster.kubectl("delete", kind, *names, "--ignore-not-found")


def _grant(cluster: Cluster, page: str, way: str, user: str) -> None:
    """Apply what the page has for one way to look."""
    block = rf"^For a CI user that looks {way}:\n\n```yaml\n(.*?)```"
    found = re.search(block, page, re.MULTILINE | re.DOTALL)
    assert found
    cluster.kubectl("apply", "-f", "-", stdin=found[1].replace("USER", user))


def _names(ran: Ran) -> set[str]:
    return {each["workload"]["name"] for each in ran.found["leaks"]}


def _kubeconfig(cluster: Cluster, folder: Path) -> Path:
    """Write a kubeconfig with nothing but the account's token."""
    config = yaml.safe_load(cluster.node.layout.kubeconfig.read_text())
    token = cluster.kubectl("-n", "ci", "create", "token", "looker").split()[0]
    for each in config["users"]:
        each["user"] = {"token": token}
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return path


def _pids(uid: str, name: str) -> int:
    """Read a file of a pod's cgroup, at its own pod's level."""
    for root in cgroups.hierarchies():
        for path in (root / CGROUP).rglob(f"*{uid}*/{name}"):
            if uid in path.parent.name:
                return int(path.read_text())
    raise AssertionError(f"no cgroup of pod {uid} has {name}")


def _status(cluster: Cluster) -> str:
    """Give node and phase of the pods that look."""
    listed = json.loads(cluster.kubectl("get", "pods", "-n", PODS_IN, "-o", "json"))["items"]
    return " ".join(
        f"{each['spec'].get('nodeName')} {each['status'].get('phase')}" for each in listed
    )


def _commands() -> set[str]:
    found = set()
    for comm in Path("/proc").glob("[0-9]*/comm"):
        try:
            found.add(comm.read_text().strip())
        except OSError:
            continue
    return found
