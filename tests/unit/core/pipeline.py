"""The core's whole way for one pod, with a table in the registry's place; and its laws."""

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import jsonpatch
from msgspec.structs import replace

from tests.unit.core import kubelet, resources
from tests.unit.core.built import build
from webhook.core import mutation, patch, policy
from webhook.core.annotations import DEFAULT_CONTAINER, ENTRYPOINT, STATUS
from webhook.core.argv import INIT, ImageConfig
from webhook.core.mutation import Delivery
from webhook.core.ours import NAME
from webhook.core.patch import Patch
from webhook.core.pod import Json, Pod
from webhook.core.policy import ClusterRules, NeedsImage, Plan, Skip
from webhook.core.reasons import Reason
from webhook.core.verification import verify

Images = Mapping[str, ImageConfig | Reason]
DELIVERY = Delivery(image="registry.example.com/initshim/reaper:1.0.0", version="1.0.0")


@dataclass(frozen=True, slots=True)
class World:
    """What is around a pod: the administrator's rules, and what its images run."""

    images: Images = field(default_factory=dict)
    rules: ClusterRules = field(default_factory=ClusterRules)
    delivery: Delivery = DELIVERY


@dataclass(frozen=True, slots=True)
class Outcome:
    plan: Plan
    after: Json
    patch: Patch
    warnings: list[str]

    @property
    def status(self) -> Json | None:
        text = ((self.after.get("metadata") or {}).get("annotations") or {}).get(STATUS)
        return None if text is None else dict(json.loads(text))


def mutate(pod: Json, world: World) -> Outcome:
    planned = policy.plan(Pod(pod), world.rules)
    decisions = tuple(
        _resolved(each, world.images) if isinstance(each, NeedsImage) else each
        for each in planned.decisions
    )
    plan = replace(planned, decisions=decisions)
    operations = mutation.operations(Pod(pod), plan, world.delivery)
    after = patch.apply(pod, operations)
    return Outcome(plan, after, operations, policy.warnings(plan))


def _resolved(asked: NeedsImage, images: Images) -> policy.Wrap | Skip:
    container = asked.container
    known = images.get(container.image, Reason.NOT_FOUND)
    if isinstance(known, Reason):
        return Skip(container, known)
    return policy.settle(asked, known)


def check_laws(before: Json, world: World) -> Outcome:
    """Everything that holds for every pod, whatever is in it."""
    written = json.dumps(before)
    outcome = mutate(before, world)
    assert json.dumps(before) == written, "the pod that came in was altered"
    independent = jsonpatch.apply_patch(copy.deepcopy(before), copy.deepcopy(outcome.patch))
    assert independent == outcome.after
    assert independent == build(before, outcome.plan, world.delivery)
    verify(Pod(before), Pod(independent), outcome.plan)
    assert bool(outcome.patch) == (outcome.after != before)
    for again in (outcome.after, as_stored(outcome.after)):
        assert mutate(again, world).patch == [], "a second pass changes something"
    assert without_ours(outcome.after, before) == without_ours(before, before)
    untouched = without_init(before)
    assert resources.pod_qos(outcome.after) == resources.pod_qos(untouched)
    assert resources.pod_requests(outcome.after) == resources.pod_requests(untouched)
    assert resources.pod_limits(outcome.after) == resources.pod_limits(untouched)
    check_argv(before, outcome.after, world)
    return outcome


def without_init(pod: Json) -> Json:
    """The pod as it would count without us, also where an earlier pass was here."""
    inits = pod["spec"].get("initContainers") or []
    kept = [each for each in inits if "--install" not in (each.get("command") or ())]
    return {**pod, "spec": {**pod["spec"], "initContainers": kept}}


def check_argv(before: Json, after: Json, world: World) -> None:
    """The program that starts is the one that started before, semantics §1."""
    for old, new in _pairs(before, after):
        if (old.get("command") or [])[:1] == (new.get("command") or [])[:1]:
            assert (old.get("command"), old.get("args")) == (new.get("command"), new.get("args"))
            continue
        config = _runs(old, before, world)
        assert kubelet.behind_reaper(kubelet.started(new, config)) == kubelet.started(old, config)


def _runs(container: Json, pod: Json, world: World) -> ImageConfig:
    annotations = (pod.get("metadata") or {}).get("annotations") or {}
    by_hand = annotations.get(f"{ENTRYPOINT}{container['name']}")
    if by_hand:
        return ImageConfig(tuple(json.loads(by_hand)))
    image = container.get("image", "")
    for glob, config in world.rules.images:
        if fnmatchcase(image, glob) or fnmatchcase(f"docker.io/library/{image}:latest", glob):
            return config
    looked_up = world.images.get(image)
    return looked_up if isinstance(looked_up, ImageConfig) else ImageConfig()


def _pairs(before: Json, after: Json) -> Iterator[tuple[Json, Json]]:
    for key in ("containers", "initContainers"):
        new = [each for each in after["spec"].get(key) or () if each["name"] != NAME]
        old = [each for each in before["spec"].get(key) or () if each["name"] != NAME]
        yield from zip(old, new, strict=True)


def without_ours(pod: Json, original: Json) -> str:
    """The pod's JSON without anything of ours, key by key in order; commands as in `original`."""
    bare = copy.deepcopy(pod)
    annotations = (bare.get("metadata") or {}).get("annotations") or {}
    annotations.pop(STATUS, None)
    if DEFAULT_CONTAINER not in ((original.get("metadata") or {}).get("annotations") or {}):
        annotations.pop(DEFAULT_CONTAINER, None)
    _drop_if_empty(bare.get("metadata") or {}, "annotations", original.get("metadata") or {})
    _drop_if_empty(bare, "metadata", original)
    spec, first = bare["spec"], original["spec"]
    for key in ("volumes", "initContainers"):
        if isinstance(spec.get(key), list):
            spec[key] = [each for each in spec[key] if each["name"] != NAME]
        _drop_if_empty(spec, key, first)
    for old, new in _pairs(original, bare):
        if isinstance(new.get("volumeMounts"), list):
            new["volumeMounts"] = [m for m in new["volumeMounts"] if m["name"] != NAME]
        _drop_if_empty(new, "volumeMounts", old)
        if (new.get("command") or [])[:1] == [INIT]:
            for key in ("command", "args"):
                new.pop(key, None)
                if key in old:
                    new[key] = old[key]
    return json.dumps(bare, sort_keys=True)


def _drop_if_empty(holder: Json, key: str, original: Json) -> None:
    """What we made for a thing of ours goes with it; null stays null."""
    if not holder.get(key):
        holder.pop(key, None)
        if key in original and not original[key]:
            holder[key] = original[key]


def as_stored(pod: Json) -> Json:
    """The pod as the API server sends it on the next pass: with its defaults filled in."""
    stored = copy.deepcopy(pod)
    for key in ("containers", "initContainers"):
        for each in stored["spec"].get(key) or ():
            each.setdefault("resources", {})
            each.setdefault("terminationMessagePath", "/dev/termination-log")
            each.setdefault("terminationMessagePolicy", "File")
            limits = (each["resources"] or {}).get("limits") or {}
            if limits:
                requests = each["resources"].get("requests") or {}
                each["resources"]["requests"] = {**limits, **requests}
    return stored
