"""Reviews as the API server sends them: golden pods, grown to the size that is asked for.

A pod comes as a ReplicaSet's controller makes it, with what the API server adds before a webhook
sees it: defaults, the projected token, and managedFields for every field that the controller set.
"""

import copy
import json
from dataclasses import dataclass
from itertools import count, cycle
from typing import Any

from tests.cases.load import FOLDER, Case
from tests.fakes.reviews import review

Json = dict[str, Any]

# The smallest pod that has its defaults and a projected token makes a review of 3 KB.
SHAPES = {
    "3 KB, 1 container": (3, 1),
    "9 KB, 3 containers": (9, 3),
    "40 KB, 20 containers": (40, 20),
}
KINDS = ("commands", "warm cache", "opted out")
MAIN = ("9 KB, 3 containers", "commands")


@dataclass(frozen=True, slots=True)
class Sample:
    """A review's bytes, and how many containers must come back wrapped."""

    shape: str
    kind: str
    body: bytes
    wrapped: int


def samples(registry: str) -> list[Sample]:
    """Give every shape in every kind; the images are in the registry (host:port)."""
    return [sample(shape, kind, registry) for shape in SHAPES for kind in KINDS]


def sample(shape: str, kind: str, registry: str) -> Sample:
    """Give one review of a shape and a kind."""
    kilobytes, containers = SHAPES[shape]
    pod = _pod(containers, kind, registry)
    growing = cycle(pod["spec"]["containers"])
    for number in count():
        body = _written(pod)
        if len(body) >= kilobytes * 1000:
            return Sample(shape, kind, body, 0 if kind == "opted out" else containers)
        env = next(growing).setdefault("env", [])
        env.append({"name": f"SERVICE_{number}_URL", "value": f"http://service-{number}.shop:8080"})
    raise AssertionError


def images(registry: str) -> dict[str, list[str]]:
    """Give what every image of the samples runs."""
    most = max(containers for _, containers in SHAPES.values())
    return {_image(registry, each): ["/app/server", "--port=8080"] for each in range(most)}


def _image(registry: str, number: int) -> str:
    return f"{registry}/shop/part-{number}:1.4"


def _pod(containers: int, kind: str, registry: str) -> Json:
    pod = Case(FOLDER / "qos-best-effort").pod
    pattern = pod["spec"]["containers"][0]
    made = []
    for number in range(containers):
        container = copy.deepcopy(pattern)
        container |= {"name": f"part-{number}", "image": _image(registry, number)}
        container["command"] = ["/app/server", "--port=8080"]
        if kind == "warm cache":
            del container["command"]
            container.pop("args", None)
        made.append(container)
    pod["spec"]["containers"] = made
    if kind == "opted out":
        pod["metadata"]["annotations"] = {"initshim.dev/inject": "false"}
    return pod


def _written(pod: Json) -> bytes:
    [managed] = pod["metadata"]["managedFields"]
    managed["fieldsV1"] = {"f:metadata": _METADATA, "f:spec": {"f:containers": _items(pod)}}
    return json.dumps(review(pod), separators=(",", ":")).encode()


_METADATA: Json = {
    "f:generateName": {},
    "f:labels": {".": {}, "f:app": {}, "f:pod-template-hash": {}},
    "f:ownerReferences": {".": {}},
}


def _items(pod: Json) -> Json:
    return {_key(each["name"]): _fields(each) for each in pod["spec"]["containers"]}


def _fields(container: Json) -> Json:
    fields: Json = {".": {}, **{f"f:{name}": {} for name in container if name != "volumeMounts"}}
    if "env" in container:
        leaf: Json = {".": {}, "f:name": {}, "f:value": {}}
        fields["f:env"] = {".": {}, **{_key(each["name"]): leaf for each in container["env"]}}
    return fields


def _key(name: str) -> str:
    return f'k:{{"name":"{name}"}}'
