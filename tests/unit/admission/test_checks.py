"""Every new shape of a patch is applied in full, and compared with what was planned."""

import pytest

from webhook.admission.checks import LARGEST, Checks
from webhook.core import mutation, policy
from webhook.core.errors import PatchFailed
from webhook.core.mutation import Delivery
from webhook.core.patch import Patch
from webhook.core.pod import Pod
from webhook.core.policy import ClusterRules, Plan


def planned() -> tuple[Pod, Plan, Patch]:
    containers = [{"name": "web", "command": ["/web"]}, {"name": "log", "command": ["/log"]}]
    pod = Pod({"metadata": {"name": "shop"}, "spec": {"containers": containers}})
    plan = policy.plan(pod, ClusterRules())
    return pod, plan, mutation.operations(pod, plan, Delivery("reaper:1", "1"))


def test_the_patch_that_was_planned_is_let_through() -> None:
    Checks().check(*planned())


@pytest.mark.parametrize("left_out", range(7))
def test_a_patch_that_lacks_anything_is_not(left_out: int) -> None:
    pod, plan, operations = planned()
    del operations[left_out]
    if left_out == len(operations):  # the status annotation says what was done, and does nothing
        Checks().check(pod, plan, operations)
        return
    with pytest.raises(PatchFailed):
        Checks().check(pod, plan, operations)


@pytest.mark.parametrize(
    "more",
    [
        {"op": "add", "path": "/nowhere/x", "value": 1},
        {"op": "add", "path": "/spec/containers/5", "value": {}},
        {"op": "remove", "path": "/spec/containers/1"},
        {"op": "add", "path": "/spec/containers/1/image", "value": "other"},
        {"op": "add", "path": "/spec/containers/1/args", "value": ["other"]},
        {"op": "add", "path": "/spec/hostPID", "value": True},
        {"op": "add", "path": "/metadata/labels", "value": {"a": "b"}},
        {"op": "add", "path": "/spec/volumes/0", "value": {"name": "other"}},
    ],
)
def test_a_patch_that_does_something_else_is_not(more: dict[str, object]) -> None:
    pod, plan, operations = planned()
    with pytest.raises(PatchFailed):
        Checks().check(pod, plan, [*operations, more])


def test_a_shape_that_was_let_through_is_remembered_and_a_bad_one_is_not() -> None:
    pod, plan, operations = planned()
    checks = Checks(most=1)
    checks.check(pod, plan, operations)
    bad: Patch = [*operations, {"op": "remove", "path": "/spec/containers/1"}]
    for _ in range(2):
        with pytest.raises(PatchFailed):
            checks.check(pod, plan, bad)


def test_only_small_shapes_are_remembered() -> None:
    """A tenant could give each pod another shape, of 500 containers each."""
    many = [{"name": f"c{at}", "command": ["/a"]} for at in range(LARGEST)]
    pod = Pod({"metadata": {"name": "shop"}, "spec": {"containers": many}})
    plan = policy.plan(pod, ClusterRules())
    operations = mutation.operations(pod, plan, Delivery("reaper:1", "1"))
    checks = Checks()
    checks.check(pod, plan, operations)
    assert len(operations) > LARGEST
    assert len(checks) == 0
    checks.check(*planned())
    assert len(checks) == 1
