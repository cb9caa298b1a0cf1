"""Every golden case through a real API server: what it stored is what we expect of it.

Each pod is created twice, in a namespace that is opted in and in one that is not. The two stored
pods must be the same but for what is ours (semantics §4), after all defaulting and validation.
Where this Kubernetes refuses the pod itself, it must refuse it with us in the same words.
"""

import json
from dataclasses import dataclass
from itertools import count

import pytest

import initshim
from tests.cases.load import Case, cases
from tests.integration.controlplane.controllers import (
    OPT_IN,
    Json,
    Made,
    create,
    fresh,
    from_controller,
    namespace,
    template_of,
)
from tests.integration.controlplane.images import Images
from tests.integration.controlplane.plane import ControlPlane
from tests.integration.controlplane.release import Release
from tests.unit.core.pipeline import check_argv, mutate, without_init, without_ours
from tests.unit.core.resources import pod_qos
from webhook.core.annotations import STATUS
from webhook.core.ours import NAME

OUTSIDE = "outside"
INSIDE = "inside"
_NUMBERS = count()
_VALUES: dict[str, Json] = {
    "lookups-off": {"registry": {"lookups": False}},
    "image-volume": {"delivery": "imageVolume"},
}

# Decided by the chart's matchConditions: the webhook is not asked.
UNASKED = ("host-pid", "mirror-pod", "opted-out", "shared-process-namespace", "windows")
# Before 1.35 the API server drops what these are about, or refuses it.
TOO_NEW = {"image-volume", "image-volume-recreated", "unknown-fields-kept"}
# No cluster stores it; before validation, the webhook sees it all the same.
NEVER_STORED = {"foreign-annotations": "name part must consist of alphanumeric characters"}
# A pod that a hand took our volume from: valid again with us alone.
HEALED = {"mutated-lost-parts": 'Not found: "initshim"'}


@dataclass(frozen=True, slots=True)
class Pair:
    """The same pod as stored with us and without us."""

    ours: Made
    plain: Made


def values_of(case: Case) -> Json:
    if case.name == "entrypoint-by-administrator":
        return {"entrypoints": json.loads((case.folder / "world.json").read_text())["images"]}
    if case.name == "init-behind-a-script":
        world = json.loads((case.folder / "world.json").read_text())
        return {"initSystems": world["init_systems"]}
    return _VALUES.get(case.name, {})


# Values change rarely: each change starts the replicas anew.
CASES = sorted(cases(), key=lambda case: json.dumps(values_of(case)))
every_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])

# A kubelet makes mirror pods, a hand applies bare ones; what is healed is no valid template. From a
# template the API server has dropped `stopSignal` before the pod is made (ContainerStopSignals is
# off by default); from a pod, only after admission.
BARE = {"mirror-pod", "bare-pod-applied", "init-told-by-the-pod", *HEALED}
CONTROLLED = [case for case in CASES if case.name not in BARE]


@pytest.fixture(scope="session")
def around(plane: ControlPlane, images: Images) -> dict[str, str]:
    """What the pods name, by name: namespaces, runtime classes."""
    namespace(plane, INSIDE, **OPT_IN)
    namespace(plane, OUTSIDE)
    for case in CASES:
        spec = case.pod["spec"]
        if not spec.get("runtimeClassName"):
            continue
        overhead = {"overhead": {"podFixed": spec["overhead"]}} if spec.get("overhead") else {}
        body = {"metadata": {"name": runtime_class(case)}, "handler": "any", **overhead}
        made = plane.api.post("/apis/node.k8s.io/v1/runtimeclasses", json=body)
        assert made.status_code in (201, 409), made.text
    return images.digests


@every_case
def test_a_pod_is_stored_as_expected(
    case: Case, plane: ControlPlane, release: Release, around: dict[str, str]
) -> None:
    served(case, plane, release)
    pod = prepared(case, around)
    where = f"case-{next(_NUMBERS)}"
    pod["metadata"] = {**pod["metadata"], "name": where}
    before = release.reviews()
    pair = Pair(create(plane, INSIDE, pod), create(plane, OUTSIDE, pod))
    asked = release.reviews() - before
    check(case, pair, plane, around)
    assert (asked == 0) == unasked(case), asked


@pytest.mark.parametrize("case", CONTROLLED, ids=[case.name for case in CONTROLLED])
def test_a_controllers_pod_is_stored_as_expected(
    case: Case, plane: ControlPlane, release: Release, around: dict[str, str]
) -> None:
    served(case, plane, release)
    template = template_of(prepared(case, around))
    name = f"set-{next(_NUMBERS)}"
    pair = Pair(*(from_controller(plane, each, name, template) for each in (INSIDE, OUTSIDE)))
    check(case, pair, plane, around)


def served(case: Case, plane: ControlPlane, release: Release) -> None:
    wanted = values_of(case)
    if case.name == "image-volume" and plane.version < (1, 35):
        wanted = {}  # the chart refuses these values there, which its own tests show
    release.wants(**wanted)


def check(case: Case, pair: Pair, plane: ControlPlane, digests: dict[str, str]) -> None:
    if case.name in TOO_NEW and plane.version < (1, 35):
        assert pair.ours.status == pair.plain.status
        return
    if case.name in NEVER_STORED:
        assert {pair.ours.status, pair.plain.status} == {422}
        assert NEVER_STORED[case.name] in pair.ours.body["message"]
        return
    ours = comparable(pair.ours.pod, digests)
    check_what_is_told(case, pair.ours, pair.plain.warnings)
    check_what_is_ours(mutate(case.pod, case.world).after, ours)
    if case.name in HEALED:
        assert HEALED[case.name] in pair.plain.body["message"]
        return
    plain = comparable(pair.plain.pod, digests)
    assert pair.ours.pod["status"]["qosClass"] == qos(pair.plain.pod)
    assert without_ours(ours, plain) == without_ours(plain, plain)
    check_argv(plain, ours, case.world)


def check_what_is_told(case: Case, made: Made, others: tuple[str, ...]) -> None:
    """The status annotation on the pod, and the warnings to its author."""
    assert list(made.warnings) == [*case.expected["warnings"], *others]
    said = (made.pod["metadata"].get("annotations") or {}).get(STATUS)
    expected = case.expected["status"]
    if expected is None or unasked(case):
        assert said == (case.pod["metadata"].get("annotations") or {}).get(STATUS)
        return
    status = json.loads(said or "")
    assert status.pop("version") in (initshim.__version__, expected["version"])
    assert status == {key: value for key, value in expected.items() if key != "version"}


def qos(plain: Json) -> str:
    """The class as the API server computed it; as it would, where an earlier pass was here."""
    bare = without_init(plain)
    if bare["spec"]["initContainers"] == (plain["spec"].get("initContainers") or []):
        return str(plain["status"]["qosClass"])
    return pod_qos(bare)


def check_what_is_ours(expected: Json, stored: Json) -> None:
    """Volume, init container, mounts, commands: the server added defaults to them, no more."""
    for key in ("volumes", "initContainers"):
        want = [each for each in expected["spec"].get(key) or () if each["name"] == NAME]
        have = [each for each in stored["spec"].get(key) or () if each["name"] == NAME]
        assert len(want) == len(have)
        for one, other in zip(want, have, strict=True):
            assert contains(other, one), (one, other)
    for key in ("containers", "initContainers"):
        want, have = expected["spec"].get(key) or [], stored["spec"].get(key) or []
        assert [each["name"] for each in want] == [each["name"] for each in have]
        for one, other in zip(want, have, strict=True):
            for field in ("command", "args"):
                assert (one.get(field) or []) == (other.get(field) or [])
            mounts = [each for each in one.get("volumeMounts") or () if each["name"] == NAME]
            assert mounts == [m for m in other.get("volumeMounts") or () if m["name"] == NAME]


def contains(whole: object, part: object) -> bool:
    """Tell whether everything in `part` is in `whole`."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and contains(whole[key], part[key]) for key in part)
    if isinstance(part, list) and isinstance(whole, list) and part and isinstance(part[0], dict):
        return all(any(contains(each, wanted) for each in whole) for wanted in part)
    return part == whole


def prepared(case: Case, digests: dict[str, str]) -> Json:
    """The pod as its author sends it to this cluster."""
    text = json.dumps(fresh(case.pod))
    for made_up, true in digests.items():
        text = text.replace(made_up, true)
    pod: Json = json.loads(text)
    if pod["spec"].get("runtimeClassName"):
        pod["spec"]["runtimeClassName"] = runtime_class(case)
    return pod


def runtime_class(case: Case) -> str:
    """A class has one overhead: where a case has one, its class is its own."""
    spec = case.pod["spec"]
    return case.name if spec.get("overhead") else str(spec["runtimeClassName"])


def unasked(case: Case) -> bool:
    """Tell whether a matchCondition keeps the pod from us."""
    reason = case.expected["outcome"].get("*")
    return reason in UNASKED


def comparable(pod: Json, digests: dict[str, str]) -> Json:
    """Without what differs between any two pods (names, times, identities); digests as in cases."""
    text = json.dumps({key: value for key, value in pod.items() if key != "status"})
    for made_up, true in digests.items():
        text = text.replace(true, made_up)
    for volume in pod["spec"].get("volumes") or ():
        if volume["name"].startswith("kube-api-access-"):
            text = text.replace(volume["name"], "kube-api-access-x")
    plain: Json = json.loads(text)
    for key in (
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "managedFields",
        "resourceVersion",
    ):
        plain["metadata"].pop(key, None)
    for key in [key for key in plain["metadata"].get("labels") or () if "controller-uid" in key]:
        plain["metadata"]["labels"].pop(key)
    for owner in plain["metadata"].get("ownerReferences") or ():
        owner.pop("uid")
    return plain
