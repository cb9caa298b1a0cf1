"""Workloads that leak, each in its own way, for `initshim leaks` to find; all in one namespace."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.integration.node.cluster import BOX, Cluster, Json
from tests.integration.node.layout import OPEN_REGISTRY

KEPT = 7
SLOW_TO_STOP = 20

# PID 1 waits for its child, and this, having become another program, for none of its own.
_WORKER = f"""
trap 'exit 0' TERM
(for i in $(seq {KEPT}); do sleep 1 & done; exec idle) &
wait
"""
# While a shell reads it waits for nobody: its child is a zombie for most of a second.
_LATE = """
trap 'exit 0' TERM
mkfifo /tmp/never && exec 3<>/tmp/never
while :; do sleep 0.05 & read -t 1 line <&3; wait; done
"""


def workloads(namespace: str) -> list[Json]:
    """Give them: PID 1 at fault, another parent at fault, one that is late, scratch, one deaf."""
    return [
        _deployment(namespace, "checkout", ("/bin/leaker",)),
        _deployment(namespace, "mailer", ("/bin/sh", "-c", _WORKER)),
        _deployment(namespace, "reports", ("/bin/sh", "-c", _LATE)),
        _deployment(namespace, "tracker", (), image=f"{OPEN_REGISTRY}/scratch:1"),
        _deployment(namespace, "gateway", ("/bin/idle",)),
    ]


def start(cluster: Cluster, namespace: str) -> Mapping[str, str]:
    """Start them, and wait until each has what it is to show; gives their pods by workload."""
    cluster.apply(*workloads(namespace))
    for each in workloads(namespace):
        name = each["metadata"]["name"]
        cluster.kubectl(
            "-n", namespace, "rollout", "status", f"deployment/{name}", "--timeout=120s"
        )
    pods = {
        each["metadata"]["labels"]["app"]: each["metadata"]["name"]
        for each in cluster.pods(namespace)
    }
    cluster.until(lambda: cluster.zombies(namespace, pods["mailer"]) >= KEPT)
    return pods


def _deployment(namespace: str, name: str, command: Sequence[str], *, image: str = BOX) -> Json:
    labels = {"app": name}
    container: dict[str, Any] = {"name": "app", "image": image}
    if command:
        container["command"] = list(command)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "terminationGracePeriodSeconds": SLOW_TO_STOP,
                    "containers": [container],
                },
            },
        },
    }
