"""The admission policy, evaluated here: it does what `admit` does, or leaves the pod to it.

That a real API server takes it, and stores the same, is for
tests/integration/controlplane/test_policy_and_webhook_are_one.py.
"""

import json
import string
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from initshim import grammar
from tests.cases.load import RUNTIME_CLASSES, Case, cases
from tests.fakes.admission_policy import AdmissionPolicy, stored
from tests.unit.core.odd_pods import GLOBS, LOOKED_UP, odd_pods
from tests.unit.core.pipeline import DELIVERY, World
from tests.unit.core.pods_by_system import LINUX, WINDOWS
from tests.unit.core.policy_twins import Stored, Twins
from webhook.core.annotations import pod_options
from webhook.core.cel.limits import limits
from webhook.core.errors import BadAnnotation
from webhook.core.mutation import Delivery
from webhook.core.pod import Json, Pod
from webhook.core.policy import ClusterRules, plan

LIMITS = frozenset(each.name for each in limits())
CASES = cases()


class Evaluated(Twins):
    """A pod in no API server."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.policy = AdmissionPolicy(world.rules, world.delivery)

    def plain(self, pod: Json) -> Stored:
        pod = stored(pod)
        return Stored(pod, LIMITS.intersection(self.policy.left_alone(pod)))

    def by_policy(self, pod: Json) -> Stored:
        pod = self.policy.applied(stored(pod))
        return Stored(pod, frozenset({"asked"} if self.policy.asks(pod) else ()))

    def check_whole(self, pod: Json) -> None:
        """A pod that is left alone whole is so for the first reason that `plan` finds, too."""
        pod = stored(pod)
        reason = plan(Pod(pod), self.world.rules).reason
        left = [each for each in self.policy.left_alone(pod) if each not in LIMITS]
        unasked = self.policy.never_asked(pod)
        assert left[:1] == ([f"not-{reason}"] if f"not-{reason}" in self.policy.conditions else [])
        assert unasked == [each for each in left if each in self.policy.unasked]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_golden_pod_is_stored_as_admit_would_have_it(case: Case) -> None:
    twins = Evaluated(case.world)
    twins.check(case.pod)
    twins.check_whole(case.pod)


ALONE = ClusterRules(lookups=False, runtime_classes=RUNTIME_CLASSES)
KNOWN = ClusterRules(images=GLOBS, init_systems=("own-init",))
VOLUME = Delivery(DELIVERY.image, DELIVERY.version, as_volume=True)
WORLDS = {
    "both": World(LOOKED_UP, ClusterRules(runtime_classes=RUNTIME_CLASSES)),
    "policy alone": World({}, ALONE),
    "what images run": World(LOOKED_UP, KNOWN),
    "image volume": World({}, ClusterRules(lookups=False, images=GLOBS), VOLUME),
}


@pytest.mark.parametrize("world", WORLDS)
def test_an_odd_pod_is_stored_as_admit_would_have_it(world: str) -> None:
    twins = Evaluated(WORLDS[world])

    @given(odd_pods())
    def check(pod: Json) -> None:
        twins.check(pod)
        twins.check_whole(pod)

    check()


@pytest.fixture
def evaluated() -> Evaluated:
    return Evaluated(World())


def test_a_pod_for_windows_is_left_alone_and_costs_no_call(evaluated: Evaluated) -> None:
    for spec in (*WINDOWS, *LINUX):
        evaluated.check_whole(
            pod(**spec) if "containers" not in spec else {"metadata": {}, "spec": spec}
        )


def app(name: str = "app", **fields: Any) -> Json:
    return {"name": name, "image": "app", "command": ["app"], **fields}


def pod(*containers: Json, annotations: dict[str, str] | None = None, **spec: Any) -> Json:
    metadata = {"name": "app", "annotations": annotations or {}}
    return {"metadata": metadata, "spec": {"containers": [*containers] or [app()], **spec}}


def apps(number: int) -> list[Json]:
    return [app(f"c{n}") for n in range(number)]


def mounted(*paths: str, name: str = "app") -> Json:
    return app(name, volumeMounts=[{"name": "data", "mountPath": path} for path in paths])


def device(path: str) -> Json:
    return app(volumeDevices=[{"name": "data", "devicePath": path}])


def asking(annotation: str, value: str) -> Json:
    return pod(annotations={f"initshim.dev/{annotation}": value})


FEW, READABLE, PLAIN = "few-and-short", "annotations-it-can-read", "plain-names-and-paths"
# As docs/engines.md has them: how many the policy takes, and the pod that has so many.
EXTENTS: dict[str, tuple[str, int, Callable[[int], Json]]] = {
    "containers": (FEW, 64, lambda n: pod(*apps(n))),
    "init containers": (FEW, 63, lambda n: pod(initContainers=apps(n))),
    "volumes": (FEW, 512, lambda n: pod(volumes=[{"name": f"v{i}"} for i in range(n)])),
    "mounts": (FEW, 512, lambda n: pod(mounted(*["/a"] * 9), mounted(*["/b"] * (n - 9), name="b"))),
    "words": (FEW, 2048, lambda n: pod(app(command=["a"] * 9, args=["b"] * (n - 9)))),
    "characters": (FEW, 32_768, lambda n: pod(app(command=["a" * 9], args=["b" * (n - 9)]))),
    "a container's name": (PLAIN, 63, lambda n: pod(app("c" * n))),
    "a mount's path": (PLAIN, 4096, lambda n: pod(mounted("/" * n))),
    "a device's path": (PLAIN, 4096, lambda n: pod(device("/" * n))),
    "options": (READABLE, 64, lambda n: asking("options", " ".join(["-v"] * n))),
    "characters of options": (READABLE, 1024, lambda n: asking("options", "-v".ljust(n))),
    "an entrypoint": (READABLE, 512, lambda n: asking("entrypoint.app", json.dumps(["a"] * n))),
}


@pytest.mark.parametrize("extent", EXTENTS)
def test_the_policy_takes_so_much_and_leaves_a_pod_with_more(
    extent: str, evaluated: Evaluated
) -> None:
    limit, most, having = EXTENTS[extent]
    assert evaluated.plain(having(most)).said == set()
    assert evaluated.plain(having(most + 1)).said == {limit}
    assert evaluated.by_policy(having(most + 1)).asked


@pytest.mark.parametrize("path", ["/data/../x", "..", "/..", "../x", "/a/.."])
def test_a_path_that_climbs_is_left_to_the_webhook(path: str, evaluated: Evaluated) -> None:
    for container in (mounted(path), device(path)):
        assert evaluated.plain(pod(container)).said == {PLAIN}


@pytest.mark.parametrize("path", ["/data/..x", "/x..", "/a/.../b"])
def test_a_path_with_dots_in_a_name_climbs_nowhere(path: str, evaluated: Evaluated) -> None:
    assert evaluated.plain(pod(mounted(path))).said == set()


@pytest.mark.parametrize("path", ["/initshim", "/xinitshim", "/.initshimx", "/data/.initshim"])
def test_a_path_that_is_nearly_ours_is_not_taken(path: str, evaluated: Evaluated) -> None:
    assert evaluated.check(pod(mounted(path))) == "settled"


WAYS = ("IN+", "AX-")
NAMES = (*grammar.SIGNALS, "RTMIN", "RTMAX", *(f"RTM{way}{n}" for n in range(40) for way in WAYS))
SIGNALS = (
    *NAMES, *(f"SIG{each}" for each in NAMES), "sigTerm", "kill", "SIGSIGHUP", "NONE",
    "RTMIN-1", "RTMAX+1", *map(str, range(-1, 80)), "640",
)  # fmt: skip
NUMBERS = (*range(300), 999, 1000, 2559, 25_500, 99_999, 100_000, 999_999, 1_000_000, 1_000_001,
           1_100_000, 2_000_000, 9_999_999, 10_000_000)  # fmt: skip
OPTIONS = {
    "exit codes": [f"-e {each}" for each in NUMBERS],
    "seconds": [f"--linger={each}" for each in NUMBERS],
    "signals": [f"-p{each}" for each in SIGNALS],
    "what is rewritten": [f"-r {each}:TERM" for each in SIGNALS],
    "as what": [f"--rewrite TERM:{each}" for each in SIGNALS],
    "letters": [f"-{each}" for each in string.ascii_letters + "+-:1"],
    "names": [f"--{each.name}" for each in grammar.OPTIONS],
}
TOGETHER = (
    "-gask", "-gve7", "-ge 7 -v", "  -g   -v ", "-eg", "-g v", "g", "-p", "-pTERM -r", "-e 7 8",
    "--linger 5 --all", "--linger  5", "-l5-g", "--nothing", "--kill-group=1", "-r TERM:0 -r INT:9",
)  # fmt: skip


def words_of(options: str) -> tuple[str, ...] | None:
    try:
        return pod_options({"initshim.dev/options": options}, {}).reaper
    except BadAnnotation:
        return None


@pytest.mark.parametrize("kind", OPTIONS)
def test_the_policy_takes_the_options_that_the_webhook_takes(
    kind: str, evaluated: Evaluated
) -> None:
    readable = evaluated.policy.conditions[READABLE]
    for text in OPTIONS[kind]:
        assert readable(asking("options", text), {}) == (words_of(text) is not None), text


@pytest.mark.parametrize("text", TOGETHER)
def test_the_policy_gives_the_options_that_the_webhook_gives(
    text: str, evaluated: Evaluated
) -> None:
    words = words_of(text)
    by_policy = evaluated.by_policy(asking("options", text))
    assert by_policy.asked == (words is None)
    given = ["/.initshim/init", *words, "--"] if words is not None else []
    assert by_policy.pod["spec"]["containers"][0]["command"] == [*given, "app"]


@pytest.mark.parametrize(
    "text", ["-e 007", "-p 07", "-v\t-g", "'-g'", "-g\\ -v", "-r TERM:\u212aILL"]
)
def test_options_in_unusual_writing_are_left_to_the_webhook(
    text: str, evaluated: Evaluated
) -> None:
    assert evaluated.plain(asking("options", text)).said == {READABLE}
