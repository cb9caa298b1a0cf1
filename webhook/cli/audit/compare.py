"""What became of a pod: what the engine would do to it, held against what is there. No I/O.

A pod in which nothing is wrapped carries no mark at all, so only a plan can tell one that was
rightly left alone from one that the webhook never saw. What is there is recognised by content
(command, mount, volume); the status annotation only says why a container was left alone, and
only in a pod that the webhook has been through.
"""

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum

from msgspec.structs import replace

from webhook.cli.audit import status
from webhook.cli.outcomes import WHOLE_POD, WRAPPED, Outcome, left
from webhook.core.annotations import STATUS
from webhook.core.container import Container
from webhook.core.ours import is_image_volume, is_our_mount, is_our_volume, is_ours, is_wrapped
from webhook.core.pod import Pod
from webhook.core.policy import Decision, Plan, Skip
from webhook.core.reasons import UNRESOLVED, Reason

MISSED = "missed"


class State(StrEnum):
    """What a pod counts as.

    A `stuck` pod is wrapped and can't start, for the reaper does not come; an `ended` one runs
    nothing any more and is not looked at.
    """

    WRAPPED = "wrapped"
    SKIPPED = "skipped"
    UNRESOLVED = "unresolved"
    MISSED = "missed"
    STUCK = "stuck"
    ENDED = "ended"


def has_ended(pod: Pod) -> bool:
    """Tell whether its containers have ended for good."""
    return status.read(pod.raw).has_ended


def with_record(pod: Pod, plan: Plan) -> Plan:
    """Take the reasons that the webhook itself wrote into the pod, in place of a new decision."""
    recorded = _recorded(pod)

    def settle(decision: Decision) -> Decision:
        name = decision.container.name
        if name in recorded and not is_wrapped(decision.container):
            return Skip(decision.container, recorded[name])
        return decision

    return replace(plan, decisions=tuple(map(settle, plan.decisions))) if recorded else plan


def compare(pod: Pod, plan: Plan) -> tuple[Outcome, ...]:
    """Give what became of each container; `plan` is resolved, or a NeedsImage counts as missed.

    A container that runs through the reaper does, whatever the pod's annotations say by now.
    """
    if plan.reason:
        inside = [each for each in pod.containers if is_wrapped(each)]
        whole = left(WHOLE_POD, plan.reason, plan.detail)
        return tuple(_present(pod, each) for each in inside) or (whole,)
    return tuple(_one(pod, each) for each in plan.decisions)


def state(outcomes: Iterable[Outcome]) -> State:
    """Count a pod as the worst that became of its containers; one wrapped makes it wrapped."""
    found = {each.outcome for each in outcomes}
    if MISSED in found:
        return State.MISSED
    if found & UNRESOLVED:
        return State.UNRESOLVED
    return State.WRAPPED if WRAPPED in found else State.SKIPPED


def _one(pod: Pod, decision: Decision) -> Outcome:
    container = decision.container
    if is_wrapped(container):
        return _present(pod, container)
    if isinstance(decision, Skip):
        return left(container.name, decision.reason, decision.detail, decision.remedy)
    return Outcome(container.name, MISSED)


def _present(pod: Pod, container: Container) -> Outcome:
    """Judge a container that names the reaper: has it come with all that it needs?"""
    volumes = [each for each in pod.volumes if is_our_volume(each)]
    brought = any(map(is_image_volume, volumes)) or any(map(is_ours, pod.containers))
    if volumes and brought and any(map(is_our_mount, container.mounts)):
        return Outcome(container.name, WRAPPED)
    why = "its command names the reaper, but the pod lacks what brings it"
    return Outcome(container.name, MISSED, why)


def _recorded(pod: Pod) -> Mapping[str, Reason]:
    """Read the status annotation, where the pod's content says that it is about this pod."""
    if not any(map(is_our_volume, pod.volumes)):
        return {}
    try:
        written = json.loads(pod.annotations.get(STATUS, ""))
    except (ValueError, RecursionError):
        return {}
    skipped = written.get("skipped") if isinstance(written, dict) else None
    known = set(Reason)
    return {
        name: Reason(reason)
        for name, reason in (skipped.items() if isinstance(skipped, dict) else ())
        if reason in known
    }
