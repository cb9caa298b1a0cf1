"""Pods as hypothesis makes them, odd in all that the policy reads; an API server stores them."""

import copy
from typing import Any

from hypothesis import strategies as st

from tests.unit.core.pipeline import DELIVERY, Images, World, mutate
from tests.unit.core.strategies import bytes_, cores, optional
from webhook.core.argv import INIT, ImageConfig
from webhook.core.ours import NAME
from webhook.core.pod import Json
from webhook.core.policy import ClusterRules
from webhook.core.reasons import Reason

IMAGES = (
    "nginx", "nginx:1.27", "busybox@sha256:" + "a" * 64, "registry.example.com:5000/team/app:1.2",
    "localhost/tool", "index.docker.io/library/nginx", "team/app", "not a reference",
    "[::1]:5000/x",
)  # fmt: skip
GLOBS = (
    ("docker.io/library/nginx:latest", ImageConfig(("/docker-entrypoint.sh",), ("nginx", "$1"))),
    ("nginx*", ImageConfig((), ("nginx",))),
    ("registry.example.com:5000/*/app:[0-9].?", ImageConfig(("",), ("/team", "x"))),
    ("*/team/app:latest", ImageConfig(("/usr/bin/tini", "--"), ("app",))),
    ("not a [!x]eference", ImageConfig(("gosu", "root"), ("systemd",))),
)
LOOKED_UP: Images = {
    "nginx": ImageConfig(("/docker-entrypoint.sh",), ("nginx",)),
    "team/app": ImageConfig(("/init",)),
    "localhost/tool": Reason.UNREACHABLE,
    "nginx:1.27": ImageConfig((), ()),
}

_HEADS = (
    "/app", "python", "sh", "bash", "/bin/sh", "env", "gosu", "sudo", "nice", "timeout", "exec",
    "busybox", "echo", "cat", "tini", "/usr/bin/dumb-init", "dumb-init_1.2_x86", "/init", "./init",
    "init", "/sbin/init", "systemd", "/lib/systemd/systemd", "k3s", "/usr/local/bin/rke2",
    "catatonit", "initshim-init", "/opt/own-init", "own-init", "tini\n", "/usr/bin/", "",
    "$(PROGRAM)", INIT,
)  # fmt: skip
_WORDS = (
    "-c", "-ec", "-o", "pipefail", "--", "-", "--config", "-u", "root", "5", "A=1", "server",
    "agent", "init", "linuxrc", "systemd", "/run/systemd", "/etc/systemd/x",
    "/usr/lib/systemd/systemd",
    "/sbin/init", "/init", "x/init", "s6-svscan", "/command/s6-svscan", "tini", "/tini/", "initdb",
    "own-init", "/opt/own-init", "$(A) $$ $", "é☃", "a b",
)  # fmt: skip
_SCRIPTS = (
    "init_db && exec app", "exec tini -- app", "exec 'tini' -- app", "ti'n'i x", 'exec "/init"',
    "x'tini'", "cp /init /x; app", "A=1 dumb-init app", "tini\\\nx", "if true; then systemd; fi",
    "sh -c 'exec tini x'", "echo systemd", "app --config=/etc/systemd/x.conf", "it's; tini",
    "(tini)", ">log tini", "own-init -v", "# tini\napp", "exec \"$@\"", "app &\nwait; k3s server",
)  # fmt: skip
words = st.one_of(
    st.sampled_from(_WORDS),
    st.sampled_from(_SCRIPTS),
    st.text(alphabet="tini ;&|/'\"\\$()\n=-s6", max_size=10),
)
argvs = st.builds(
    lambda head, tail: [head, *tail], st.sampled_from(_HEADS), st.lists(words, max_size=4)
)
_SWITCH = st.sampled_from(["true", "enabled", "false", "disabled", "yes"])
_MOSTLY_ON = st.sampled_from(["true"] * 8 + ["enabled", "false", "disabled", "no"])
_ENTRYPOINTS = st.sampled_from(
    ['["/app"]', ' [ "sh" , "-c","a $b" ] ', '["/usr/bin/tini","--","é"]', '[""]', '["a\\n"]', "[]",
     '["a", 1]', "app", '["a",]', '["sh","-c","exec tini"]', '["own-init"]']
)  # fmt: skip
_OPTIONS = st.sampled_from(
    ["", "-g", " -g  -v ", "-gve 143", "-e143 -e 0", "-e 256", "-e 007", "-r TERM:QUIT",
     "-p sigterm", "--rewrite=SIGTERM:0 --linger 5", "-l", "-x", "'-g'", "-g\\ -v",
     "-p RTMIN+30", "-p RTMIN+31",
     "--verbose=1", "--kill-group --all", "-p 64", "-p 65", "-l 1000000", "-l 1000001", "-", "--",
     "-r TERM:\u212aILL", "-t /x", "-vv", "-sk"]
)  # fmt: skip
_STATUSES = st.sampled_from(
    ["", "nonsense", "{}", '{"version":"9","wrapped":["c0"],"skipped":{}}',
     '{"version":"9","wrapped":[],"skipped":{"c0":"unauthorized","c1":"made-up","i0":"has-init"}}']
)  # fmt: skip
_MOUNTS = st.builds(
    lambda name, path: {"name": name, "mountPath": path},
    st.sampled_from(["data", "config"]),
    st.sampled_from(
        ["/data", "/.initshim-not", "/.initshim", "/.initshim/", "//.initshim/./",
         "/./.initshim/deep", "/x/.initshim", "/x/../.initshim",
         "/var/run/secrets/kubernetes.io/serviceaccount"]
    ),
)  # fmt: skip


def _resources(cpu: str, memory: str, kind: str) -> Json:
    asked = {"cpu": cpu, "memory": memory}
    extended = {"nvidia.com/gpu": "1"}
    return {
        "none": {},
        "equal": {"limits": asked, "requests": asked},
        "limits": {"limits": {"memory": memory}},
        "requests": {"requests": {"cpu": cpu, "ephemeral-storage": memory}},
        "extended": {"limits": asked | extended, "requests": asked | extended},
    }[kind]


_RESOURCES = st.builds(
    _resources, cores, bytes_, st.sampled_from(["none", "equal", "limits", "requests", "extended"])
)


@st.composite
def _container(draw: st.DrawFn, name: str, *, init: bool) -> Json:
    fields: dict[str, st.SearchStrategy[Any]] = {
        "command": argvs,
        "args": st.lists(words, max_size=3),
        "resources": _RESOURCES,
        "volumeMounts": st.lists(_MOUNTS, max_size=2, unique_by=lambda m: m["mountPath"]),
        "terminationMessagePath": st.sampled_from(["/dev/termination-log", "/tmp/$(A) last"]),
        "imagePullPolicy": st.sampled_from(["Always", "IfNotPresent", "Never"]),
    }
    if init:
        fields["restartPolicy"] = st.just("Always")
    return {"name": name, "image": draw(st.sampled_from(IMAGES)), **draw(optional(**fields))}


@st.composite
def _annotations(draw: st.DrawFn) -> dict[str, str]:
    return draw(
        optional(
            **{
                "initshim.dev/inject": _MOSTLY_ON,
                "initshim.dev/exclude-containers": st.sampled_from(
                    ["", "c0", " c1 ,i0,", "c0;c1", "c0\u00a0"]
                ),
                "initshim.dev/include-init-containers": _SWITCH,
                "initshim.dev/options": _OPTIONS,
                "initshim.dev/entrypoint.c0": _ENTRYPOINTS,
                "initshim.dev/entrypoint.i0": _ENTRYPOINTS,
                "initshim.dev/status": _STATUSES,
                "example.com/other": words,
            }
        )
    )


_RULES = st.fixed_dictionaries(
    {
        "key": st.sampled_from(["kubernetes.io/os", "node.kubernetes.io/windows-build", "zone"]),
        "operator": st.sampled_from(["In", "NotIn"]),
        "values": st.lists(
            st.sampled_from(["windows", "linux"]), min_size=1, max_size=2, unique=True
        ),
    }
)
_AFFINITIES = st.builds(
    lambda terms: {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": rules} for rules in terms]
            }
        }
    },
    st.lists(st.lists(_RULES, max_size=2), min_size=1, max_size=2),
)
_RARE = optional(
    nodeSelector=st.sampled_from([{"kubernetes.io/os": "linux"}, {"kubernetes.io/os": "windows"}]),
    affinity=_AFFINITIES,
    hostPID=st.booleans(),
    shareProcessNamespace=st.booleans(),
    readinessGates=st.just([{"conditionType": "InPlaceUpdateReady"}]),
)


@st.composite
def odd_pods(draw: st.DrawFn) -> Json:
    """Give a pod; one in three was wrapped before, and lost or gained something since."""
    count, inits = draw(st.integers(1, 3)), draw(st.integers(0, 2))
    spec: Json = {
        "containers": [draw(_container(f"c{n}", init=False)) for n in range(count)],
        "initContainers": [draw(_container(f"i{n}", init=True)) for n in range(inits)],
        "volumes": [{"name": name, "emptyDir": {}} for name in ("data", "config")],
        "automountServiceAccountToken": draw(st.booleans()),
        **draw(optional(securityContext=optional(runAsUser=st.integers(0, 1)))),
        **draw(st.one_of(st.just({}), st.just({}), st.just({}), _RARE)),
    }
    metadata: Json = {
        "name": "odd",
        **draw(
            optional(
                annotations=draw(st.sampled_from([_annotations(), st.just({})])),
                labels=optional(
                    **{
                        "initshim.dev/inject": _MOSTLY_ON,
                        "tekton.dev/taskRun": st.just("x"),
                    }
                ),
            )
        ),
    }
    pod = {"metadata": metadata, "spec": spec}
    return _meddled(draw, pod) if draw(st.integers(0, 2)) == 0 else pod


def _meddled(draw: st.DrawFn, pod: Json) -> Json:
    """What is left of a wrapped pod that somebody changed."""
    after: Json = copy.deepcopy(
        mutate(pod, World(rules=ClusterRules(lookups=False), delivery=DELIVERY)).after
    )
    spec = after["spec"]
    match draw(
        st.sampled_from(["nothing", "mount", "volume", "init", "order", "resources", "more"])
    ):
        case "mount":
            for each in spec["containers"]:
                each["volumeMounts"] = [
                    m for m in each.get("volumeMounts") or () if m["name"] != NAME
                ]
        case "volume":
            name = draw(st.sampled_from([NAME, "data"]))
            spec["volumes"] = [each for each in spec["volumes"] if each["name"] != name]
        case "init":
            spec["initContainers"] = [e for e in spec["initContainers"] if e["name"] != NAME]
        case "order":
            spec["initContainers"].reverse()
        case "resources":
            spec["containers"][0]["resources"] = draw(_RESOURCES)
        case "more":
            spec["containers"].append(draw(_container("later", init=False)))
            spec["initContainers"].insert(0, draw(_container("mesh", init=True)))
    return after
