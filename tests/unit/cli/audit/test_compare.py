"""What became of a pod, found out from its content and the plan alone."""

from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.cluster import DELIVERY, container, spec, wrapped
from webhook.cli.audit.compare import State, compare, has_ended, state, with_record
from webhook.cli.outcomes import left
from webhook.core import policy
from webhook.core.annotations import STATUS
from webhook.core.pod import Pod
from webhook.core.policy import ClusterRules
from webhook.core.reasons import Reason


def outcomes_by_name(raw: dict[str, Any], rules: ClusterRules | None = None) -> dict[str, str]:
    pod = Pod(raw)
    plan = with_record(pod, policy.plan(pod, rules or ClusterRules(lookups=False)))
    return {each.container: str(each.outcome) for each in compare(pod, plan)}


def verdict(raw: dict[str, Any]) -> State:
    pod = Pod(raw)
    return state(compare(pod, with_record(pod, policy.plan(pod, ClusterRules(lookups=False)))))


def test_a_pod_that_went_through_the_webhook_is_wrapped() -> None:
    pod = wrapped({"spec": spec()})
    assert outcomes_by_name(pod) == {"app": "wrapped"}
    assert verdict(pod) is State.WRAPPED


def test_a_pod_that_the_engine_would_change_is_missed() -> None:
    assert outcomes_by_name({"spec": spec()}) == {"app": "missed"}
    assert verdict({"spec": spec()}) is State.MISSED


@pytest.mark.parametrize(
    ("pod", "outcome"),
    [
        ({"spec": spec(container(command=["/sbin/tini", "--", "run"]))}, {"app": "has-init"}),
        ({"spec": spec(container(command=["/init"]))}, {"app": "needs-pid-1"}),
        ({"spec": spec(hostPID=True)}, {"*": "host-pid"}),
        ({"spec": spec(shareProcessNamespace=True)}, {"*": "shared-process-namespace"}),
        (
            {"metadata": {"annotations": {"initshim.dev/inject": "false"}}, "spec": spec()},
            {"*": "opted-out"},
        ),
        (
            {"metadata": {"annotations": {"kubernetes.io/config.mirror": "x"}}, "spec": spec()},
            {"*": "mirror-pod"},
        ),
    ],
)
def test_a_pod_without_any_mark_that_was_rightly_left_alone_is_not_missed(
    pod: dict[str, Any], outcome: dict[str, str]
) -> None:
    assert wrapped(pod) == pod  # the webhook leaves no trace in it
    assert outcomes_by_name(pod) == outcome
    assert verdict(pod) is State.SKIPPED


def test_an_annotation_alone_proves_nothing() -> None:
    """A copy of a pod's metadata, created while the webhook was down."""
    pod = {"spec": spec(container(), container("side"))}
    excluded = {"annotations": {"initshim.dev/exclude-containers": "side"}}
    status = wrapped({**pod, "metadata": excluded})["metadata"]["annotations"][STATUS]
    pod = {**pod, "metadata": {"annotations": {STATUS: status}}}
    assert outcomes_by_name(pod) == {"app": "missed", "side": "missed"}


def test_a_command_alone_proves_nothing_either() -> None:
    pod = wrapped({"spec": spec()})
    without_volume = {**pod, "spec": {**pod["spec"], "volumes": []}}
    without_init = {**pod, "spec": {**pod["spec"], "initContainers": []}}
    without_mount = wrapped({"spec": spec()})
    without_mount["spec"]["containers"][0]["volumeMounts"] = []
    for broken in (without_volume, without_init, without_mount):
        assert outcomes_by_name(broken) == {"app": "missed"}
        (outcome,) = compare(Pod(broken), policy.plan(Pod(broken), ClusterRules()))
        assert "lacks what brings it" in outcome.why


def test_an_image_volume_needs_no_init_container() -> None:
    pod = wrapped({"spec": spec()}, replace(DELIVERY, as_volume=True))
    assert "initContainers" not in pod["spec"]
    assert outcomes_by_name(pod) == {"app": "wrapped"}


def test_what_the_webhook_wrote_down_is_the_reason_even_if_it_would_decide_otherwise_now() -> None:
    pod = wrapped(
        {"spec": spec(container(), container("pay", command=None))},
        unresolved={"pay": Reason.UNAUTHORIZED},
    )
    assert outcomes_by_name(pod) == {"app": "wrapped", "pay": "unauthorized"}
    assert verdict(pod) is State.UNRESOLVED


def test_a_container_that_a_later_webhook_added_is_missed() -> None:
    pod = wrapped({"spec": spec()})
    pod["spec"]["containers"].append(container("proxy"))
    assert outcomes_by_name(pod) == {"app": "wrapped", "proxy": "missed"}
    assert verdict(pod) is State.MISSED


def test_a_wrapped_pod_stays_wrapped_when_somebody_opts_it_out_later() -> None:
    pod = wrapped({"spec": spec()})
    pod["metadata"]["annotations"]["initshim.dev/inject"] = "false"
    assert outcomes_by_name(pod) == {"app": "wrapped"}


@pytest.mark.parametrize("status", ["", "[", "[]", '{"skipped": []}', '{"skipped": {"b": "x"}}'])
def test_a_status_that_nobody_of_us_wrote_is_passed_over(status: str) -> None:
    pod = wrapped({"spec": spec(container(), container("b"))})
    pod["spec"]["containers"][1] = container("b")
    pod["metadata"]["annotations"][STATUS] = status
    assert outcomes_by_name(pod) == {"app": "wrapped", "b": "missed"}


def test_a_pod_without_a_command_that_is_never_pulled_is_unresolved() -> None:
    pod = {"spec": spec({"name": "app", "image": "x", "imagePullPolicy": "Never"})}
    assert outcomes_by_name(pod, ClusterRules()) == {"app": "never-pulled"}
    assert verdict(pod) is State.UNRESOLVED


def test_only_succeeded_and_failed_pods_have_ended() -> None:
    phases = {
        phase: has_ended(Pod({"status": {"phase": phase}}))
        for phase in ("Pending", "Running", "Unknown", "Succeeded", "Failed")
    }
    assert {phase for phase, ended in phases.items() if ended} == {"Succeeded", "Failed"}
    assert not has_ended(Pod({}))


def test_what_a_registry_says_can_not_move_the_cursor() -> None:
    outcome = left("app", Reason.BAD_ANSWER, "it says \x1b[2J and\nmore")
    assert outcome.why == "it says  [2J and more"
