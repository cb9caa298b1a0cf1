"""The webhook's pods killed while pods are made, started anew, and counted by the kubelet."""

import json
import threading
import time
from typing import Any

from tests.integration.node.cluster import Cluster

Json = dict[str, Any]
PODS = "app.kubernetes.io/component=webhook"
DRAINS = 7.0  # of the chart's ten seconds, less what a request and a probe take


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
    """Of no pod that starts. Those that drain say that they serve, until they are gone."""
    cluster.kubectl("-n", "initshim", "delete", "events", "--all")
    cluster.kubectl("-n", "initshim", "rollout", "restart", "deployment/initshim")
    cluster.rolled_out()
    names = {each["metadata"]["name"] for each in webhooks(cluster)}
    assert {said for said in unhealthy(cluster) if said[0] in names} == set()
    assert [said for _, said in unhealthy(cluster) if "statuscode" in said] == []


def test_replicas_that_drain_wrap_while_there_is_no_other(cluster: Cluster, shop: str) -> None:
    """All are told to end at once; most machines have new ones before the old ones close."""
    cluster.kubectl("-n", "initshim", "delete", "pods", "-l", PODS, "--wait=false")
    end = time.monotonic() + DRAINS
    commands: list[str] = []
    while time.monotonic() < end:
        cluster.run(shop, f"p{len(commands)}", "/bin/idle")
        pod = cluster.pod(shop, f"p{len(commands)}")
        commands.append(pod["spec"]["containers"][0]["command"][0])
    assert commands
    assert set(commands) == {"/.initshim/init"}
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
    found: list[Json] = []

    def counted() -> bool:
        """Those that have just started are counted a moment later."""
        words = ("get", "--raw", "/api/v1/nodes/node1/proxy/stats/summary")
        found[:] = [
            container
            for pod in json.loads(cluster.kubectl(*words))["pods"]
            if pod["podRef"]["namespace"] == "initshim"
            for container in pod.get("containers") or ()
            if "workingSetBytes" in container.get("memory", {})
        ]
        return bool(found)

    cluster.until(counted)
    [limit] = {
        each["spec"]["containers"][0]["resources"]["limits"]["memory"] for each in webhooks(cluster)
    }
    assert limit.endswith("Mi")
    for each in found:
        used = each["memory"]["workingSetBytes"]
        print(f"webhook: {used >> 20} MiB, {each['cpu'].get('usageNanoCores', 0) / 1e6:.1f} mCPU")
        assert 0 < used < int(limit[:-2]) << 20
