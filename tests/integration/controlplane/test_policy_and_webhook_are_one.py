"""The policy in the API server does what `admit` does, to the field; or it leaves the pod to it.

Each pod is created in a namespace without us, and in one with the chart's policy. What `admit`
makes of the first must be what the API server stores of the second, once the webhook had what
was left to it. A condition of the chart says what that is; the limits of the policy say why.
"""

import json
from collections import Counter
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

import initshim
from tests.cases.load import RUNTIME_CLASSES, Case, cases
from tests.integration.controlplane.controllers import Json, Made, create, fresh, namespace, until
from tests.integration.controlplane.plane import ControlPlane
from tests.integration.controlplane.policies import (
    needs_policies,
    objects,
    values,
    warned,
    warns,
    with_policy,
)
from tests.unit.core.odd_pods import GLOBS, LOOKED_UP, odd_pods
from tests.unit.core.pipeline import DELIVERY, World
from tests.unit.core.policy_twins import Stored, Twins
from webhook.core.cel.limits import limits
from webhook.core.mutation import Delivery
from webhook.core.policy import ClusterRules

PLAIN = "plain"
_NUMBERS = count()
_LEFT_TO_IT = "left-to-the-webhook"


@dataclass(frozen=True, slots=True)
class Side:
    """A namespace with the policy, and the world of the webhook beside it."""

    name: str
    world: World


class Namespaces(Twins):
    """One without us and one with the policy, of one API server."""

    def __init__(self, plane: ControlPlane, side: Side) -> None:
        super().__init__(side.world)
        self._plane, self._name = plane, side.name

    def plain(self, pod: Json) -> Stored | None:
        made = self._stored(PLAIN, pod)
        return Stored(made.pod, frozenset(warned(made.warnings))) if made.status == 201 else None

    def by_policy(self, pod: Json) -> Stored:
        made = self._stored(self._name, pod)
        assert made.status == 201, made.body
        return Stored(made.pod, frozenset(warned(made.warnings)))

    def _stored(self, where: str, pod: Json) -> Made:
        return create(self._plane, where, fresh(pod), query="?dryRun=All")


def world(**rules: Any) -> World:
    delivery = Delivery(
        DELIVERY.image, initshim.__version__, as_volume=rules.pop("as_volume", False)
    )
    return World(rules.pop("looked_up", {}), ClusterRules(**rules), delivery)


def chosen(world: World, **more: Any) -> Json:
    """The chart's values for such a world."""
    path, _, tag = DELIVERY.image.rpartition(":")
    registry, _, repository = path.partition("/")
    known = {
        glob: {"entrypoint": list(config.entrypoint), "cmd": list(config.cmd)}
        for glob, config in world.rules.images
    }
    return {
        "reaperImage": {"registry": registry, "repository": repository, "tag": tag},
        "runtimeClasses": list(world.rules.runtime_classes),
        "initSystems": list(world.rules.init_systems),
        "entrypoints": known,
        "delivery": "imageVolume" if world.delivery.as_volume else "initContainer",
        "engine": "both" if world.rules.lookups else "policy",
        **more,
    }


class Sides:
    """A namespace for each set of values, made when it is first wanted."""

    def __init__(self, plane: ControlPlane) -> None:
        needs_policies(plane)
        self._plane = plane
        self._made: dict[str, Side] = {}
        namespace(plane, PLAIN)
        warns(plane, "stated", PLAIN, {each.name: each.condition for each in limits()})
        many = {"metadata": {"name": "x"}, "spec": {"containers": [
            {"name": f"c{n}", "image": "x"} for n in range(70)]}}  # fmt: skip
        until(lambda: warned(create(plane, PLAIN, many, query="?dryRun=All").warnings))

    def wants(self, world: World) -> Namespaces:
        wanted = chosen(world)
        key = json.dumps(wanted, sort_keys=True)
        if key not in self._made:
            name = f"policy-{next(_NUMBERS)}"
            with_policy(self._plane, name, **wanted)
            self._made[key] = Side(name, world)
            self._warn_where_asked(name, wanted)
        return Namespaces(self._plane, Side(self._made[key].name, world))

    def _warn_where_asked(self, name: str, wanted: Json) -> None:
        """Have the API server tell where it would ask the webhook: the chart's own condition."""
        both = values(name, **{**wanted, "engine": "both"})
        [webhook] = objects(self._plane, both, "MutatingWebhookConfiguration")
        found = {c["name"]: c["expression"] for c in webhook["webhooks"][0]["matchConditions"]}
        warns(self._plane, f"{name}-asked", name, {"asked": f"!({found[_LEFT_TO_IT]})"})
        bad = {"metadata": {"name": "x", "annotations": {"initshim.dev/unknown": ""}},
               "spec": {"containers": [{"name": "c", "image": "x"}]}}  # fmt: skip
        until(lambda: warned(create(self._plane, name, bad, query="?dryRun=All").warnings))


@pytest.fixture(scope="session")
def sides(plane: ControlPlane) -> Sides:
    return Sides(plane)


CASES = cases()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_golden_pod_is_stored_as_admit_would_have_it(case: Case, sides: Sides) -> None:
    told = case.world
    twins = sides.wants(
        world(
            runtime_classes=RUNTIME_CLASSES,
            images=told.rules.images,
            init_systems=told.rules.init_systems,
            lookups=told.rules.lookups,
            looked_up=told.images,
            as_volume=told.delivery.as_volume,
        )
    )
    twins.check(case.pod)


WORLDS = {
    "both": world(looked_up=LOOKED_UP, runtime_classes=RUNTIME_CLASSES),
    "policy alone": world(lookups=False, runtime_classes=RUNTIME_CLASSES),
    "what images run": world(looked_up=LOOKED_UP, images=GLOBS, init_systems=("own-init",)),
    "image volume": world(lookups=False, images=GLOBS, as_volume=True),
}


def check_odd_pods(sides: Sides, chosen: str, number: int, phases: tuple[Phase, ...]) -> set[str]:
    twins = sides.wants(WORLDS[chosen])
    seen: Counter[str] = Counter()

    @settings(
        max_examples=number,
        deadline=None,
        derandomize=Phase.shrink not in phases,
        phases=phases,
        suppress_health_check=[*HealthCheck],
        database=None,
    )
    @given(odd_pods())
    def check(pod: Json) -> None:
        seen[twins.check(pod)] += 1

    check()
    print(chosen, dict(seen))
    return set(seen)


@pytest.mark.parametrize("chosen", WORLDS)
def test_an_odd_pod_is_stored_as_admit_would_have_it(chosen: str, sides: Sides) -> None:
    kinds = check_odd_pods(sides, chosen, 60, (Phase.generate,))
    assert kinds >= {"left", "asked"}


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("chosen", WORLDS)
def test_thousands_of_odd_pods_are_stored_as_admit_would_have_them(
    chosen: str, sides: Sides
) -> None:
    kinds = check_odd_pods(sides, chosen, 2500, (Phase.generate, Phase.shrink))
    assert kinds >= {"left", "untouched", "settled", "asked"}
