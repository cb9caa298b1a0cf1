"""One pod: whoever may create pods has the API server send what they like, up to its own limits."""

import json
from typing import Any

from tests.attacks.arena import HOSTILE, Arena
from tests.attacks.attack import Attacks
from tests.fakes.reviews import body, pod

attacks = Attacks("a pod's author")
_AT_ONCE = 8
MIB = 1 << 20


def container(**fields: Any) -> dict[str, Any]:
    """A container that gives no command, unless told otherwise."""
    return {"name": "c", "image": "app", **fields}


def with_metadata(metadata: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A pod with more metadata."""
    made = pod(**spec)
    return {**made, "metadata": {**made["metadata"], **metadata}}


def strings() -> dict[str, dict[str, Any]]:
    """Every string of a pod that somebody might search, split or parse, as long as it can be."""
    long = "a-" * (MIB * 3 // 4)
    options = {"initshim.dev/options": "-v '" * 62_000}
    entrypoint = {"initshim.dev/entrypoint.c": "[" * 250_000}
    exclude = {"initshim.dev/exclude-containers": "a," * 120_000}
    return {
        "image": pod(containers=[container(image=long)]),
        "image with a port": pod(containers=[container(image=f"{long}:1/{long[:1000]}")]),
        "image with slashes": pod(containers=[container(image="a/" * (MIB // 2))]),
        "image with a digest": pod(containers=[container(image=f"a@sha256:{'0' * MIB}")]),
        "command": pod(containers=[container(command=[long])]),
        "args": pod(containers=[container(image="app", args=["$(A)" * (MIB // 4)])]),
        "container name": pod(containers=[container(name=long)]),
        "mount path": pod(
            containers=[container(volumeMounts=[{"name": "v", "mountPath": "/.." * (MIB // 3)}])]
        ),
        "volume name": pod(volumes=[{"name": long, "emptyDir": {}}], containers=[container()]),
        "owner": with_metadata(
            {"ownerReferences": [{"apiVersion": "v1", "kind": long, "name": long, "uid": "u"}]}
        ),
        "generateName": with_metadata({"generateName": long}),
        "runtime class": pod(runtimeClassName=long, containers=[container()]),
        "node selector": pod(nodeSelector={"kubernetes.io/os": long}, containers=[container()]),
        "options": with_metadata({"annotations": options}),
        "entrypoint": with_metadata({"annotations": entrypoint}),
        "exclude": with_metadata({"annotations": exclude}),
        "status": with_metadata({"annotations": {"initshim.dev/status": "[" * 250_000}}),
    }


def lists() -> dict[str, dict[str, Any]]:
    """Every list of a pod, as long as 2.5 MB make it; the API server fills in more."""
    many = 800_000
    return {
        "hostAliases": pod(hostAliases=[{}] * many),
        "tolerations": pod(tolerations=[{}] * many),
        "containers": pod(containers=[{}] * many),
        "volumes": pod(volumes=[{}] * many),
        "env": pod(containers=[container(env=[{}] * many)]),
        "ports": pod(containers=[container(ports=[{}] * many)]),
        "args": pod(containers=[container(args=[""] * many)]),
        "command": pod(containers=[container(command=[""] * many)]),
        "volumeMounts": pod(containers=[container(volumeMounts=[{}] * many)]),
        "imagePullSecrets": pod(imagePullSecrets=[{}] * many, containers=[container()]),
        "ownerReferences": with_metadata({"ownerReferences": [{}] * many}),
        "finalizers": with_metadata({"finalizers": [""] * many}),
        "labels": with_metadata({"labels": {str(at): "" for at in range(250_000)}}),
        "annotations": with_metadata({"annotations": {str(at): "" for at in range(25_000)}}),
    }


async def _each(arena: Arena, pods: dict[str, dict[str, Any]]) -> None:
    for each in pods.values():
        await arena.create(*[each] * 2)


@attacks("long strings", "every string of a pod up to 1.5 MB: images, options, paths")
async def long_strings(arena: Arena) -> None:
    await _each(arena, strings())


@attacks("an image of 1.6 MB", "`image: a-a-a-…` without a command, eight at once")
async def long_image(arena: Arena) -> None:
    made = pod(containers=[container(image="a-" * 800_000)])
    await arena.create(*[made] * _AT_ONCE)


@attacks("long lists", "`[{}, {}, …]` of 800,000 for every list of a pod")
async def long_lists(arena: Arena) -> None:
    await _each(arena, lists())


@attacks("hostAliases", "`hostAliases: [{}, …]`, 8 MiB by the time it arrives, four at once")
async def host_aliases(arena: Arena) -> None:
    made = pod(hostAliases=[{"ip": ""}] * 836_000)
    await arena.create(*[made] * 4)


@attacks("300 containers", "300 containers with long arguments that all have to be wrapped")
async def many_containers(arena: Arena) -> None:
    many = [container(name=f"c{at}", command=["/a", "x" * 4000]) for at in range(300)]
    await arena.create(*[pod(containers=many)] * _AT_ONCE)


@attacks("a deep pod", "JSON nested 100,000 deep in a field that nobody reads")
async def deep(arena: Arena) -> None:
    content = body(pod(), namespace=HOSTILE)
    nested = b'"nested":' + b"[" * 100_000 + b"]" * 100_000
    broken = b'"nested":' + b'{"a":' * 100_000
    for each in (nested, broken):
        bad = content.replace(b'"spec":', each + b',"spec":', 1)
        await arena.post(*[bad] * _AT_ONCE)


@attacks("no text", "half surrogates, NULs, numbers of 100,000 digits, keys given twice")
async def no_text(arena: Arena) -> None:
    content = body(pod(containers=[container(image="IMAGE")]), namespace=HOSTILE)
    for each in (rb"\ud800", rb"\u0000", rb"\udfff" * 1000, rb"\u202e" * 1000):
        await arena.post(*[content.replace(b"IMAGE", each)] * _AT_ONCE)
    digits = content.replace(b'"IMAGE"', b"1" * 100_000)
    await arena.post(*[digits] * _AT_ONCE)
    twice = json.dumps({"a": 1}).encode().replace(b"1", content)
    await arena.post(*[twice] * _AT_ONCE)
