"""Every new shape of a patch is applied in full, and compared with what was planned."""

import pytest

from webhook.admission import checks as module
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


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[Pod]:
    """The pods that were made in full, each time that one was."""
    pods: list[Pod] = []
    monkeypatch.setattr(module, "verify", lambda before, *_: pods.append(before))
    return pods


def labelled(names: str) -> tuple[Pod, Plan, Patch]:
    """A patch of one shape for each text."""
    pod = Pod({"metadata": {"labels": {}}, "spec": {"containers": []}})
    operations: Patch = [
        {"op": "add", "path": f"/metadata/labels/{name}", "value": ""} for name in names.split()
    ]
    return pod, Plan(), operations


def test_the_shapes_of_late_are_remembered_and_no_more_than_there_is_room_for(
    verified: list[Pod],
) -> None:
    checks = Checks(most=2)
    for shape, times, kept in (
        ("a", 1, 1),
        ("b", 2, 2),
        ("a", 2, 2),  # it was seen, and is now the last that was
        ("c", 3, 2),  # in b's place
        ("a", 3, 2),
        ("c", 3, 2),
        ("b", 4, 2),
    ):
        checks.check(*labelled(shape))
        assert (len(verified), len(checks)) == (times, kept), shape


@pytest.mark.parametrize(("more", "kept"), [(0, 1), (1, 0)])
def test_the_largest_shape_that_is_remembered(verified: list[Pod], more: int, kept: int) -> None:
    checks = Checks()
    checks.check(*labelled(" ".join(f"l{at}" for at in range(LARGEST + more))))
    assert (len(verified), len(checks)) == (1, kept)


def test_where_something_is_moved_to_is_part_of_a_shape(verified: list[Pod]) -> None:
    """The same paths to the same places, from others: another patch."""
    checks = Checks()
    pod = Pod({"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"containers": []}})
    for number, source in enumerate("aba", 1):
        moved: Patch = [
            {"op": "move", "path": "/metadata/labels/c", "from": f"/metadata/labels/{source}"}
        ]
        checks.check(pod, Plan(), moved)
        assert len(verified) == min(number, 2)
