"""The main job, counted in the node's own /proc: by a program, by an exec probe and by a hook."""

import time

from tests.integration.node.cluster import Cluster

PROBE = {
    "readinessProbe": {
        "periodSeconds": 1,
        "exec": {"command": ["/bin/sh", "-c", "(sleep 0.05 &); exit 0"]},
    },
    "lifecycle": {
        "postStart": {
            "exec": {"command": ["/bin/sh", "-c", "for i in 1 2 3 4 5; do (sleep 0.1 &); done"]}
        }
    },
}


def test_without_they_pile_up_and_with_it_there_are_none(
    cluster: Cluster, shop: str, plain: str
) -> None:
    for namespace in (plain, shop):
        cluster.run(namespace, "program", "/bin/leaker")
        cluster.run(namespace, "probe", "/bin/idle", container=PROBE)
        for name in ("program", "probe"):
            cluster.running(namespace, name)
    cluster.until(lambda: cluster.zombies(plain, "program") > 50)
    cluster.until(lambda: cluster.zombies(plain, "probe") > 5)
    # One that has just ended may be seen before it is reaped: twice in a row there is none.
    for name in ("program", "probe"):
        seen = []
        for _ in range(5):
            seen.append(cluster.zombies(shop, name))
            time.sleep(0.2)
        assert min(seen) == 0
        assert max(seen) <= 2
