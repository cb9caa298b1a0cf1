"""Pods as hypothesis makes them: what the API server would accept, as odd as it may be."""

import json
from typing import Any

from hypothesis import strategies as st

from tests.unit.core.pipeline import DELIVERY, World
from webhook.core.argv import ImageConfig
from webhook.core.mutation import Delivery
from webhook.core.pod import Json
from webhook.core.policy import ClusterRules
from webhook.core.reasons import UNRESOLVED

IMAGES = (
    "nginx", "registry.example.com:5000/team/app:1.2", "busybox@sha256:" + "a" * 64,
    "[::1]:5000/x", "not a reference",
)  # fmt: skip
PROGRAMS = (
    "/app", "sh", "/usr/bin/tini", "/init", "/sbin/init", "/.initshim/init", "",
    "/lib/systemd/systemd",
)  # fmt: skip
words = st.one_of(
    st.text(alphabet="ab -$()VA=é☃\n'\"\\", max_size=12),
    st.sampled_from(["$(A)", "$$(A)", "$$$(A)", "$(B", "$", "$$", "$é", "-c", "--", "$(NONE)", ""]),
)
argvs = st.one_of(
    st.lists(words, max_size=3),
    st.builds(
        lambda first, rest: [first, *rest], st.sampled_from(PROGRAMS), st.lists(words, max_size=2)
    ),
)
configs = st.builds(ImageConfig, st.one_of(st.just(("",)), argvs.map(tuple)), argvs.map(tuple))
cores = st.sampled_from(["0", "1m", "250m", "1", "1.5", "2"])
bytes_ = st.sampled_from(["0", "64Mi", "128M", "1Gi", "1500000000"])
_NOTHING: dict[str, Any] = {}


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({}, optional=fields)


@st.composite
def resources(draw: st.DrawFn) -> Json:
    kind = draw(st.sampled_from(["none", "equal", "limits", "requests", "both", "extended"]))
    if kind == "none":
        return {}
    limits = {"cpu": draw(cores), "memory": draw(bytes_)}
    if kind == "equal":
        return {"limits": limits, "requests": dict(limits)}
    if kind == "limits":
        return {"limits": draw(optional(cpu=cores, memory=bytes_))}
    if kind == "requests":
        return {"requests": draw(optional(**{"cpu": cores, "ephemeral-storage": bytes_}))}
    if kind == "extended":
        return {
            "limits": {**limits, "nvidia.com/gpu": "1", "hugepages-2Mi": "4Mi"},
            "requests": {"cpu": "1m", "nvidia.com/gpu": "1", "hugepages-2Mi": "4Mi"},
            "claims": [{"name": "gpu"}],
        }
    return {"limits": limits, "requests": {"cpu": "1m", "memory": "1Mi"}}


mounts = st.builds(
    lambda name, path: {"name": name, "mountPath": path},
    st.sampled_from(["data", "config"]),
    st.sampled_from(
        ["/data", "/.initshim-not", "/.initshim", "/.initshim/", "/.initshim/deep", "/"]
    ),
)
environments = st.lists(
    st.builds(lambda name, value: {"name": name, "value": value}, st.sampled_from("ABV"), words),
    max_size=3,
)


def lists_or_nothing(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(items, st.just([]))


@st.composite
def containers(draw: st.DrawFn, name: str, *, init: bool = False) -> Json:
    fields = {
        "image": st.sampled_from(IMAGES),
        "command": argvs,
        "args": st.lists(words, max_size=3),
        "env": environments,
        "resources": resources(),
        "volumeMounts": st.lists(mounts, max_size=2, unique_by=lambda m: m["mountPath"]),
        "terminationMessagePath": st.sampled_from(["/dev/termination-log", "/tmp/$(A) last words"]),
        "imagePullPolicy": st.sampled_from(["Always", "IfNotPresent", "Never"]),
        "securityContext": optional(runAsUser=st.integers(0, 2), privileged=st.booleans()),
        "tty": st.booleans(),
        "stdin": st.booleans(),
        "workingDir": st.just("/srv"),
    }
    if init:
        fields["restartPolicy"] = st.just("Always")
    return {"name": name, **draw(optional(**fields))}


names = st.sampled_from(
    ["web", "log", "proxy", "a-name-of-as-many-as-sixty-three-characters-that-k8s-lets-pass-yes"]
)


@st.composite
def annotations(draw: st.DrawFn) -> dict[str, str]:
    switches = {
        "initshim.dev/inject": st.sampled_from(["true", "false"]),
        "initshim.dev/exclude-containers": st.sampled_from(["", "c0", "c1, i0"]),
        "initshim.dev/include-init-containers": st.sampled_from(["true", "false"]),
        "initshim.dev/options": st.sampled_from(
            ["", "-g", "-gve 143 --rewrite=TERM:QUIT", "-l5", "-x"]
        ),
        "initshim.dev/entrypoint.c0": st.lists(words, min_size=1, max_size=3).map(json.dumps),
        "example.com/~tilde/slash": words,
    }
    return draw(optional(**switches))


@st.composite
def pods(draw: st.DrawFn) -> Json:
    count, inits = draw(st.integers(1, 4)), draw(st.integers(0, 3))
    spec: Json = {"containers": [draw(containers(f"c{n}")) for n in range(count)]}
    if inits:
        spec["initContainers"] = [draw(containers(f"i{n}", init=True)) for n in range(inits)]
    spec |= draw(
        optional(
            volumes=st.just([{"name": "data", "emptyDir": {}}, {"name": "config", "emptyDir": {}}]),
            securityContext=optional(runAsUser=st.integers(0, 2), fsGroup=st.integers(0, 2)),
            resources=st.just({"requests": {"cpu": "3"}, "limits": {"cpu": "4", "memory": "4Gi"}}),
            overhead=st.just({"cpu": "250m", "memory": "120Mi"}),
            hostNetwork=st.booleans(),
            hostPID=st.sampled_from([False, False, False, True]),
            nodeSelector=st.sampled_from([{}, {"kubernetes.io/arch": "arm64"}]),
        )
    )
    metadata = draw(
        optional(
            generateName=st.just("web-"),
            labels=optional(app=st.just("web")),
            annotations=annotations(),
        )
    )
    pod: Json = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    return draw(st.sampled_from([pod, {k: v for k, v in pod.items() if k != "metadata"}]))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    reasons = st.sampled_from(sorted(UNRESOLVED))
    images = draw(st.dictionaries(st.sampled_from(IMAGES), st.one_of(configs, configs, reasons)))
    known = draw(
        st.sampled_from([(), (("nginx", ImageConfig(("/docker-entrypoint.sh",), ("$1",))),)])
    )
    lookups = draw(st.sampled_from([True, True, True, False]))
    as_volume, by_nodes = draw(st.booleans()), draw(st.booleans())
    delivery = Delivery(DELIVERY.image, "1.0.0", as_volume=as_volume, by_nodes=by_nodes)
    return World(images, ClusterRules(images=known, lookups=lookups), delivery)


documents: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-3, 3),
        st.sampled_from([0.0, 1.0, -1.5]),
        st.text(alphabet="a~/01é", max_size=3),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["name", "a", "~", "/", "~1", "", "0"]), inner, max_size=4),
        st.lists(st.fixed_dictionaries({"name": st.sampled_from("xyz")}, optional={"v": inner})),
    ),
    max_leaves=12,
)
