"""The admission policy, evaluated here: it does what `admit` does, or leaves the pod to it.

That a real API server takes it, and stores the same, is for
tests/integration/controlplane/test_policy_and_webhook_are_one.py.
"""

import pytest
from hypothesis import given

from tests.cases.load import RUNTIME_CLASSES, Case, cases
from tests.fakes.admission_policy import AdmissionPolicy, stored
from tests.unit.core.odd_pods import GLOBS, LOOKED_UP, odd_pods
from tests.unit.core.pipeline import DELIVERY, World
from tests.unit.core.policy_twins import Stored, Twins
from tests.unit.core.test_windows import LINUX, WINDOWS
from webhook.core.cel.limits import limits
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


def test_a_pod_for_windows_is_left_alone_and_costs_no_call() -> None:
    twins = Evaluated(World())
    app = {"containers": [{"name": "app", "image": "app", "command": ["app"]}]}
    for spec in (*WINDOWS, *LINUX):
        twins.check_whole({"metadata": {"name": "app"}, "spec": app | spec})
