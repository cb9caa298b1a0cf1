"""The webhook's pods killed while pods are made, started anew, and counted by the kubelet."""

import json
import threading
from typing import Any

from tests.integration.node.cluster import Cluster

Json = dict[str, Any]
PODS = "app.kubernetes.io/component=webhook"


def webhooks(cluster: Cluster) -> list[Json]:
    """Give the webhook's pods."""
    return [
        each
        for each in cluster.pods("initshim")
        if each["metadata"]["labels"].get("app.kubernetes.io/component") == "webhook"
    ]


def unhealthy(cluster: Cluster) -> set[tuple[str, str]]:
    """Give what the kubelet said of probes that failed: pod and message."""
    words = ("-n", "initshim", "get", "events", "--field-selector", "reason=Unhealthy")
    listed = json.loads(cluster.kubectl(*words, "-o", "json"))["items"]
    return {(each["involvedObject"]["name"], each["message"]) for each in listed}


def test_a_restart_leaves_no_event(cluster: Cluster) -> None:
    """Neither of the pods that start nor of those that drain."""
    cluster.kubectl("-n", "initshim", "delete", "events", "--all")
    cluster.kubectl("-n", "initshim", "rollout", "restart", "deployment/initshim")
    cluster.rolled_out()
    assert unhealthy(cluster) == set()


def test_replicas_that_drain_wrap_while_there_is_no_other(cluster: Cluster, shop: str) -> None:
    """All are told to end at once: their grace time is as long as new ones take to start."""
    before = {each["metadata"]["name"] for each in webhooks(cluster)}
    cluster.kubectl("-n", "initshim", "delete", "pods", "-l", PODS, "--wait=false")
    unwrapped, number = [], 0
    while before & {each["metadata"]["name"] for each in webhooks(cluster)}:
        cluster.run(shop, f"p{number}", "/bin/idle")
        command = cluster.pod(shop, f"p{number}")["spec"]["containers"][0]["command"]
        unwrapped += [number] if command[0] != "/.initshim/init" else []
        number += 1
    assert number > 3
    assert unwrapped == []
    cluster.rolled_out()


def test_no_pod_is_refused_while_its_webhook_is_killed(cluster: Cluster, shop: str) -> None:
    """`failurePolicy: Ignore`: all are made; once it is back all are wrapped again."""
    made: list[str] = []
    failed: list[str] = []
    done = threading.Event()

    def create() -> None:
        while not done.is_set():
            name = f"p{len(made)}"
            try:
                cluster.run(shop, name, "/bin/idle", terminationGracePeriodSeconds=0)
            except AssertionError as error:
                failed.append(str(error))
            made.append(name)

    working = threading.Thread(target=create)
    working.start()
    cluster.until(lambda: len(made) > 3)
    cluster.kubectl("-n", "initshim", "delete", "pods", "-l", PODS, "--force", "--grace-period=0")
    cluster.until(lambda: len(made) > 12)
    done.set()
    working.join()
    assert failed == []
    cluster.rolled_out()

    def wrapped() -> bool:
        cluster.kubectl("-n", shop, "delete", "pod", "after", "--ignore-not-found", "--now")
        cluster.run(shop, "after", "/bin/idle")
        found: list[str] = cluster.pod(shop, "after")["spec"]["containers"][0]["command"]
        return found[0] == "/.initshim/init"

    cluster.until(wrapped)


def test_the_kubelet_counts_less_than_the_limit(cluster: Cluster) -> None:
    words = ("get", "--raw", "/api/v1/nodes/node1/proxy/stats/summary")
    summary = json.loads(cluster.kubectl(*words))
    ours = [
        container
        for pod in summary["pods"]
        if pod["podRef"]["namespace"] == "initshim"
        for container in pod["containers"]
        if "workingSetBytes" in container.get("memory", {})
    ]
    [limit] = {
        each["spec"]["containers"][0]["resources"]["limits"]["memory"] for each in webhooks(cluster)
    }
    assert limit.endswith("Mi")
    assert ours
    for each in ours:
        used = each["memory"]["workingSetBytes"]
        print(f"webhook: {used >> 20} MiB, {each['cpu'].get('usageNanoCores', 0) / 1e6:.1f} mCPU")
        assert 0 < used < int(limit[:-2]) << 20
