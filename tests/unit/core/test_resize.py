"""What a pod counts as after an in-place resize, by the API server's own rule."""

from dataclasses import replace

import pytest

from tests.unit.core import resources
from tests.unit.core.pipeline import DELIVERY, World, mutate
from webhook.core.pod import Json


def pod(cpu: str) -> Json:
    each = {"cpu": cpu, "memory": "8Gi"}
    app = {"name": "a", "image": "x", "command": ["/a"]}
    asks = {"requests": dict(each), "limits": dict(each)}
    return {"metadata": {"name": "big"}, "spec": {"containers": [{**app, "resources": asks}]}}


@pytest.mark.parametrize(
    ("as_volume", "resized", "counted"),
    [(False, "1", "4"), (False, "6", "6"), (True, "1", "1"), (True, "6", "6")],
)
def test_only_an_image_volume_lets_a_pod_shrink(
    as_volume: bool, resized: str, counted: str
) -> None:
    """docs/faq.md: the init container has ended, counts on, and can't be resized."""
    world = World(delivery=replace(DELIVERY, as_volume=as_volume))
    after = mutate(pod("4"), world).after
    after["spec"]["containers"][0]["resources"] = pod(resized)["spec"]["containers"][0]["resources"]
    assert resources.pod_requests(after)["cpu"] == resources.pod_requests(pod(counted))["cpu"]
