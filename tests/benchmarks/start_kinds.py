"""The pods whose start is measured: each kind differs from its neighbour in one thing."""

import functools
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from tests.integration.node import images
from tests.integration.node.cluster import BOX
from tests.integration.node.layout import OPEN_REGISTRY
from webhook.core.mutation import Delivery, our_init_container, our_volume

Json = dict[str, Any]
REAPER = f"{OPEN_REGISTRY}/initshim/reaper:{images.version()}"
KINDS = {
    "not-injected": "not injected",
    "ends-at-once": "an init container that ends at once",
    "init-container": "init container",
    "image-volume": "image volume",
}
"""Of the first table."""
INJECTED = frozenset({"init-container", "image-volume"})
_DELIVERY = Delivery(REAPER, images.version())


def _mounts(pod: Json) -> None:
    """Mount our volume in the init container."""
    pod["spec"]["volumes"] = [our_volume(_DELIVERY)]
    _init(pod)["volumeMounts"] = our_init_container(_DELIVERY)["volumeMounts"]


def _mounts_twice(pod: Json) -> None:
    _mounts(pod)
    pod["spec"]["containers"][0]["volumeMounts"] = _init(pod)["volumeMounts"]


def _seccomp(pod: Json) -> None:
    profile = our_init_container(_DELIVERY)["securityContext"]["seccompProfile"]
    _init(pod)["securityContext"] = {"seccompProfile": profile}


def _less_seccomp(pod: Json) -> None:
    rights = our_init_container(_DELIVERY)["securityContext"]
    del rights["seccompProfile"]
    _init(pod)["securityContext"] = rights


def _ours(pod: Json) -> None:
    """All of our container's fields, but a command that ends at once."""
    _mounts_twice(pod)
    _init(pod).update(our_init_container(_DELIVERY) | {"name": "init"})
    _init(pod)["command"] = ["/init", "--version"]


def _installs(pod: Json) -> None:
    _ours(pod)
    _init(pod)["command"] = our_init_container(_DELIVERY)["command"]


def _asks(pod: Json) -> None:
    _init(pod)["resources"] = {"requests": {"cpu": "10m", "memory": "16Mi"}}


def _limited(pod: Json) -> None:
    _init(pod)["resources"] = {"limits": {"cpu": "100m", "memory": "16Mi"}}


def _another_image(pod: Json) -> None:
    _init(pod).update({"image": BOX, "command": ["/bin/true"]})
    del _init(pod)["args"]


def _pulls(pod: Json) -> None:
    _init(pod)["imagePullPolicy"] = "Always"


VARIANTS: dict[str, tuple[str, Callable[[Json], None]]] = {
    "another-image": ("of another image", _another_image),
    "pulls": ("with `imagePullPolicy: Always`", _pulls),
    "asks": ("that requests CPU and memory", _asks),
    "limited": ("with limits: 100m, 16Mi", _limited),
    "mounts": ("that mounts our memory volume", _mounts),
    "mounts-twice": ("the same, and the program mounts it", _mounts_twice),
    "seccomp": ("with `seccompProfile: RuntimeDefault`", _seccomp),
    "less-seccomp": ("with the rest of our security context", _less_seccomp),
    "ours": ("with all of our fields: `/init --version`", _ours),
    "installs": ("the same: `/init --install`", _installs),
}
"""An init container that ends at once, and what it takes to become ours."""


def body(kind: str) -> Json:
    """Give a pod of that kind, as it is posted."""
    found: Json = json.loads(_written(kind))
    return found


@functools.cache  # nothing is to be reckoned while pods start
def _written(kind: str) -> str:
    container = {"name": "app", "image": BOX, "command": ["/bin/stamp"]}
    spec: Json = {"containers": [container], "terminationGracePeriodSeconds": 0}
    if kind == "ends-at-once" or kind in VARIANTS:  # what the node takes for any init container
        spec["initContainers"] = [{"name": "init", "image": REAPER, "args": ["--version"]}]
    if kind.startswith("no-token"):
        spec["automountServiceAccountToken"] = False
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": kind}, "spec": spec}
    if kind in VARIANTS:
        VARIANTS[kind][1](pod)
    return json.dumps(_injected(pod) if kind.endswith("image-volume") else pod)


def as_expected(kind: str, spec: Json) -> None:
    """Check that a pod is what its kind says: a bench of something else is worth nothing."""
    inits = [each["name"] for each in spec.get("initContainers", ())]
    images_ = [each for each in spec.get("volumes", ()) if "image" in each]
    wrapped = spec["containers"][0]["command"][0] == "/.initshim/init"
    by_volume = kind.endswith("image-volume")
    named = {"init-container": ["initshim"], "ends-at-once": ["init"]}
    expected = named.get(kind, ["init"] if kind in VARIANTS else [])
    assert inits == expected, kind
    assert len(images_) == by_volume, kind
    assert wrapped == (by_volume or kind == "init-container"), kind


def _init(pod: Json) -> Json:
    found: Json = pod["spec"]["initContainers"][0]
    return found


def _injected(pod: Json) -> Json:
    """Wrap it beforehand: an installation has one delivery, and both are measured in turns."""
    program = "from webhook.cli.main import app; app()"
    options = ("--delivery", "imageVolume", "--reaper-image", REAPER, "-o", "json")
    done = subprocess.run(
        [sys.executable, "-c", program, "inject", *options],
        input=json.dumps(pod), capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: Json = json.loads(done.stdout)
    return found
