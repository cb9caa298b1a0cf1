"""What people do with a running pod: attach, copy, debug, resize, probe, end, roll out."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.node.cluster import BOX, Cluster

Json = dict[str, Any]
WAITS = "trap 'exit 7' TERM; while :; do sleep 0.1; done"


def test_attach_writes_to_the_programs_input(cluster: Cluster, shop: str) -> None:
    echo = "while read line; do echo got $line; done"
    cluster.run(shop, "x", "sh", "-c", echo, container={"stdin": True})
    cluster.running(shop, "x")
    with cluster.start("-n", shop, "attach", "-i", "x") as attached:
        assert attached.stdin
        assert attached.stdout
        attached.stdin.write("hello\n")
        attached.stdin.flush()
        lines = (line for line in attached.stdout if line.startswith("got"))
        said = next(lines)
        attached.kill()
    assert said == "got hello\n"


def test_attach_at_a_terminal_is_the_shells(cluster: Cluster, shop: str) -> None:
    """PID 1 of a tty: the shell has to have the foreground, or it would stop."""
    cluster.run(shop, "x", "sh", container={"stdin": True, "tty": True})
    cluster.running(shop, "x")
    shown = cluster.terminal(
        "-n", shop, "attach", "-it", "x", typed="echo $((6*7)) is it\n", until="42 is it"
    )
    assert "42 is it" in shown


def test_cp_goes_both_ways(cluster: Cluster, shop: str, tmp_path: Path) -> None:
    cluster.run(shop, "x", "/bin/idle")
    cluster.running(shop, "x")
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_text("content")
    cluster.kubectl("cp", str(there), f"{shop}/x:/tmp/it")
    cluster.kubectl("cp", f"{shop}/x:/tmp/it", str(back))
    assert back.read_text() == "content"


def test_an_ephemeral_container_sees_the_reaper_and_the_program(
    cluster: Cluster, shop: str
) -> None:
    cluster.run(shop, "x", "/bin/idle")
    cluster.running(shop, "x")
    look = "cat /proc/1/comm; tr '\\0' ' ' </proc/[2-9]*/cmdline; sleep 1000"
    cluster.kubectl(
        "-n", shop, "debug", "x", "--image", BOX, "--target", "app", "-c", "look", "--",
        "sh", "-c", f"for f in /proc/[0-9]*/comm; do cat $f; done; {look}",
    )  # fmt: skip
    cluster.until(
        lambda: "idle" in cluster.kubectl("-n", shop, "logs", "x", "-c", "look", check=False)
    )
    assert cluster.kubectl("-n", shop, "logs", "x", "-c", "look").startswith("init")


def test_a_crash_loop_looks_as_it_did(cluster: Cluster, shop: str, plain: str) -> None:
    for namespace in (plain, shop):
        cluster.run(namespace, "x", "sh", "-c", "exit 3")
    seen = []
    for namespace in (plain, shop):
        cluster.until(lambda at=namespace: cluster.waits(at, "x") == "CrashLoopBackOff")  # type: ignore[misc]
        [status] = cluster.pod(namespace, "x")["status"]["containerStatuses"]
        last = status["lastState"]["terminated"]
        seen.append((last["exitCode"], last["reason"], status["restartCount"] > 0))
    assert seen == [(3, "Error", True)] * 2


def test_a_liveness_probe_restarts_the_program(cluster: Cluster, shop: str, plain: str) -> None:
    probe = {
        "exec": {"command": ["/bin/false"]},
        "periodSeconds": 1,
        "failureThreshold": 1,
        "initialDelaySeconds": 2,
    }
    for namespace in (plain, shop):
        cluster.run(namespace, "x", "sh", "-c", WAITS, container={"livenessProbe": probe})
    codes = []
    for namespace in (plain, shop):

        def restarted(namespace: str = namespace) -> bool:
            statuses = cluster.pod(namespace, "x")["status"].get("containerStatuses") or ()
            return any("terminated" in each.get("lastState", {}) for each in statuses)

        cluster.until(restarted)
        [status] = cluster.pod(namespace, "x")["status"]["containerStatuses"]
        codes.append(status["lastState"]["terminated"]["exitCode"])
    assert codes == [7, 7]


def test_a_stop_hook_runs_before_the_signal(cluster: Cluster, shop: str) -> None:
    says = "trap 'echo signal; exit 0' TERM; while :; do sleep 0.1; done"
    hook = {"preStop": {"exec": {"command": ["sh", "-c", "echo hook >/proc/1/fd/1; sleep 1"]}}}
    cluster.run(shop, "x", "sh", "-c", says, container={"lifecycle": hook})
    cluster.running(shop, "x")
    following = cluster.start("-n", shop, "logs", "-f", "x")
    cluster.kubectl("-n", shop, "delete", "pod", "x")
    said, _ = following.communicate(timeout=60)
    assert said.split() == ["hook", "signal"]


def test_a_pod_is_resized_in_place(cluster: Cluster, shop: str) -> None:
    """Up; down, the effective request stays at the init container's: the FAQ says so."""
    limits = {"cpu": "20m", "memory": "64Mi"}
    cluster.run(shop, "x", "/bin/idle", container={"resources": {"requests": limits}})
    cluster.running(shop, "x")
    more = {"cpu": "30m", "memory": "64Mi"}
    change = {"spec": {"containers": [{"name": "app", "resources": {"requests": more}}]}}
    words = ("-n", shop, "patch", "pod", "x", "--subresource", "resize", "-p", json.dumps(change))
    cluster.kubectl(*words)

    def resized() -> bool:
        [status] = cluster.pod(shop, "x")["status"]["containerStatuses"]
        return bool(status.get("resources", {}).get("requests", {}).get("cpu") == "30m")

    cluster.until(resized)
    [status] = cluster.pod(shop, "x")["status"]["containerStatuses"]
    assert status["restartCount"] == 0


def test_a_rollout_goes_from_wrapped_to_wrapped(cluster: Cluster, shop: str) -> None:
    cluster.kubectl("-n", shop, "create", "deployment", "x", f"--image={BOX}", "--replicas=2",
                    "--", "/bin/idle")  # fmt: skip
    cluster.kubectl("-n", shop, "rollout", "status", "deployment/x", "--timeout=120s")
    first = {each["metadata"]["name"] for each in cluster.pods(shop)}
    cluster.kubectl("-n", shop, "set", "env", "deployment/x", "A=b")
    cluster.kubectl("-n", shop, "rollout", "status", "deployment/x", "--timeout=120s")
    living = [each for each in cluster.pods(shop) if "deletionTimestamp" not in each["metadata"]]
    assert not first & {each["metadata"]["name"] for each in living}
    for each in living:
        assert each["spec"]["containers"][0]["command"][0] == "/.initshim/init"


def test_the_quota_counts_as_much_as_without(cluster: Cluster, shop: str, plain: str) -> None:
    hard = "requests.cpu=1,requests.memory=1Gi,limits.cpu=1,limits.memory=1Gi,pods=9"
    amount = {"cpu": "50m", "memory": "32Mi"}
    resources = {"requests": amount, "limits": amount}
    used = []
    for namespace in (plain, shop):
        cluster.kubectl("-n", namespace, "create", "quota", "q", f"--hard={hard}")
        cluster.run(namespace, "x", "/bin/idle", container={"resources": resources})
        cluster.running(namespace, "x")

        def counted(namespace: str = namespace) -> Json:
            text = cluster.kubectl("-n", namespace, "get", "quota", "q", "-o", "json")
            found: Json = json.loads(text)["status"].get("used", {})
            return found

        cluster.until(lambda namespace=namespace: counted(namespace).get("pods") == "1")  # type: ignore[misc]
        used.append(counted())
    assert used[0] == used[1]


@pytest.mark.parametrize("included", [False, True])
def test_init_containers_run_and_are_wrapped_on_request(
    cluster: Cluster, shop: str, included: bool
) -> None:
    """`initshim.dev/include-init-containers` wraps those that run to completion."""
    init = {"name": "first", "image": BOX, "command": ["sh", "-c", "cat /proc/1/comm"]}
    app = {"name": "app", "image": BOX, "command": ["/bin/idle"]}
    annotations = {"initshim.dev/include-init-containers": "true"} if included else {}
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "x", "namespace": shop, "annotations": annotations},
            "spec": {"initContainers": [init], "containers": [app]},
        }
    )
    cluster.running(shop, "x")
    said = cluster.kubectl("-n", shop, "logs", "x", "-c", "first").strip()
    assert said.partition(":")[0] == ("init" if included else "cat")  # init:0, its count


def test_root_pods_and_containers_of_two_users(cluster: Cluster, shop: str) -> None:
    """Semantics §4: our init container gets a user of its own where the pod says root."""
    app: Json = {"image": BOX, "command": ["/bin/leaker"]}
    containers = [
        {**app, "name": "root"},
        {**app, "name": "nobody", "securityContext": {"runAsUser": 65534}},
    ]
    spec = {"securityContext": {"runAsUser": 0}, "containers": containers}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "namespace": shop}}
    cluster.apply({**body, "spec": spec})
    pod = cluster.running(shop, "x")
    [ours] = pod["spec"]["initContainers"]
    assert ours["securityContext"]["runAsUser"] == 65532
    for name, uid in (("root", 0), ("nobody", 65534)):
        said = cluster.kubectl("-n", shop, "logs", "x", "-c", name)
        assert f" ppid 1 uid {uid} " in said
