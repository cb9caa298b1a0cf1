"""One pod: whoever may create pods has the API server send what they like, up to its own limits."""

import json
import random
from itertools import count
from typing import Any

from tests.attacks.arena import HOSTILE, Arena, never
from tests.attacks.attack import Attacks
from tests.fakes.reviews import body, pod

attacks = Attacks("a pod's author")
_AT_ONCE = 8
_NUMBERS = count()
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
        "termination message path": pod(
            containers=[container(command=["/a"], terminationMessagePath=long)]
        ),
        "mount path of ours": pod(
            containers=[
                container(
                    command=["/a"],
                    volumeMounts=[{"name": "initshim", "mountPath": "/.initshim/../" * 20_000}] * 5,
                )
            ]
        ),
        "environment": pod(containers=[container(env=[{"name": long, "value": long[:1000]}])]),
        "annotation's key": with_metadata({"annotations": {f"initshim.dev/{long[:200_000]}": ""}}),
        "label's key": with_metadata({"labels": {long: ""}}),
        "service account": pod(serviceAccountName=long, containers=[container()]),
        "pull secrets": pod(
            imagePullSecrets=[{"name": f"{at}{long[:40_000]}"} for at in range(32)],
            containers=[container()],
        ),
        "managed fields": with_metadata(
            {"managedFields": [{"manager": long, "fieldsV1": {"f:a": {}}}]}
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
        "managedFields": with_metadata({"managedFields": [{}] * many}),
        "readinessGates": pod(readinessGates=[{}] * many, containers=[container()]),
        "names of pull secrets": pod(
            imagePullSecrets=[{"name": f"s{at}"} for at in range(100_000)],
            containers=[container()],
        ),
        "volumes, fewer": pod(
            volumes=[{"name": f"v{at}"} for at in range(100_000)], containers=[container()]
        ),
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


@attacks("250 containers", "250 containers with long arguments that all have to be wrapped")
async def many_containers(arena: Arena) -> None:
    many = [container(name=f"c{at}", command=["/a", "x" * 4000]) for at in range(250)]
    await arena.create(*[pod(containers=many)] * _AT_ONCE)


@attacks("many words", "commands of half a million words that may be an init's name")
async def many_words(arena: Arena) -> None:
    commands = (
        ["init", *["a/init"] * 400_000],
        ["env"] * 600_000,
        ["env", *["-S", "env"] * 200_000],
        ["sh", "-c", "x; " * 300_000, *["k3s"] * 300_000],
    )
    for command in commands:
        await arena.create(*[pod(containers=[container(command=command)])] * 4)
    many = [container(name=f"c{at}", command=["x", *["a/k3s"] * 31]) for at in range(250)]
    await arena.create(*[pod(containers=many)] * _AT_ONCE)


@attacks("one entrypoint for all", "256 containers of one name, and 250 KB that all should run")
async def one_entrypoint(arena: Arena) -> None:
    words = {"a word": ["$" * 120_000], "words": ["$"] * 30_000, "a control": ["\x01" * 20_000]}
    for each in words.values():
        annotations = {"initshim.dev/entrypoint.c": json.dumps(each)}
        made = with_metadata({"annotations": annotations}, containers=[container()] * 256)
        await arena.create(*[made] * _AT_ONCE)


@attacks("pods of 60 KB that wait", "200 pods of 60 KB each whose registry never answers, at once")
async def waiting(arena: Arena) -> None:
    arena.hostile = never
    image = f"{arena.registry}/w{{}}:1"
    made = [
        with_metadata(
            {"annotations": {"x": "y" * 55_000}},
            containers=[container(image=image.format(next(_NUMBERS)))],
        )
        for _ in range(200)
    ]
    await arena.create(*made)


@attacks("images without end", "100 pods of 250 images each, at a registry that never answers")
async def images(arena: Arena) -> None:
    arena.hostile = never
    made = [
        pod(
            containers=[
                container(name=f"c{at}", image=f"{arena.registry}/e{next(_NUMBERS)}:1")
                for at in range(250)
            ]
        )
        for _ in range(100)
    ]
    await arena.create(*made)


@attacks("pods of many namespaces", "a heavy pod in each of 100 namespaces, all at once")
async def namespaces(arena: Arena) -> None:
    many = [container(name=f"c{at}", command=["/a"]) for at in range(250)]
    made = pod(containers=many)
    await arena.post(*(body(made, namespace=f"many-{at}") for at in range(100)))


@attacks("pods of many shapes", "no pod of 250 containers like the one before: patches to remember")
async def shapes(arena: Arena) -> None:
    for _ in range(_AT_ONCE):
        mounted = random.randrange(1 << 250)
        many = [
            container(
                name=f"c{at}",
                command=["/a"],
                volumeMounts=[{"name": "v", "mountPath": "/v"}] * (mounted >> at & 1),
            )
            for at in range(250)
        ]
        await arena.create(pod(containers=many))


@attacks("owners", "a controller that nobody knows for each pod: Events to write", events=True)
async def owners(arena: Arena) -> None:
    made = [
        with_metadata(
            {
                "ownerReferences": [
                    {
                        "apiVersion": "apps/v1",
                        "kind": "ReplicaSet",
                        "name": f"o{at}",
                        "uid": f"u{next(_NUMBERS)}",
                        "controller": True,
                    }
                ]
            },
            containers=[container(image="a b")],
        )
        for at in range(200)
    ]
    await arena.create(*made)


@attacks("a deep pod", "JSON nested 100,000 deep in a field that nobody reads")
async def deep(arena: Arena) -> None:
    content = body(pod(), namespace=HOSTILE)
    nested = b'"nested":' + b"[" * 100_000 + b"]" * 100_000
    broken = b'"nested":' + b'{"a":' * 100_000
    read = b'"affinity":' + b'{"nodeAffinity":' * 50_000 + b"1" + b"}" * 50_000
    listed = b'"ownerReferences":' + b"[" * 100_000
    for each in (nested, broken, read, listed):
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
