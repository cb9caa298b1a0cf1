"""What to say on a workload about the containers that were left alone and need a hand."""

from dataclasses import dataclass

from webhook.core.policy import Plan, Skip
from webhook.core.printable import printable
from webhook.core.reasons import Reason, remedy

LONGEST = 1024  # bytes of an Event's note (k8s.io/kubernetes, pkg/apis/core/validation/events.go)
_MOST_NAMES = 10


@dataclass(frozen=True, slots=True)
class Notice:
    """One reason, and a sentence for all the containers that it holds for."""

    reason: Reason
    text: str


def notices(plan: Plan) -> tuple[Notice, ...]:
    """Give one notice a reason, for the reasons that have a remedy."""
    if plan.reason:
        todo = remedy(plan.reason, "")
        what = plan.detail or plan.reason.meaning.sentence
        notice = _notice(plan.reason, "Its pods run", what, todo)
        return (notice,) if plan.reason.meaning.needs_hand else ()
    left: dict[Reason, list[Skip]] = {}
    for decision in plan.decisions:
        if isinstance(decision, Skip) and decision.reason.meaning.needs_hand:
            left.setdefault(decision.reason, []).append(decision)
    return tuple(_containers(reason, skips) for reason, skips in left.items())


def _containers(reason: Reason, skips: list[Skip]) -> Notice:
    names = [skip.container.name for skip in skips]
    shown = ", ".join(names[:_MOST_NAMES])
    if len(names) > _MOST_NAMES:
        shown += f" and {len(names) - _MOST_NAMES} more"
    who = f"Container {shown} runs" if len(names) == 1 else f"Containers {shown} run"
    todo = skips[0].remedy or remedy(reason, names[0] if len(names) == 1 else "<container>")
    return _notice(reason, who, reason.meaning.sentence, todo)


def _notice(reason: Reason, who: str, what: str, todo: str) -> Notice:
    text = f"{who} without an init ({reason}): {what}. To do: {todo}."
    line = printable(text[: LONGEST + 1])
    encoded = line.encode()  # what is printable is no half of a surrogate pair
    if len(encoded) > LONGEST:
        line = encoded[: LONGEST - 3].decode(errors="ignore") + "…"
    return Notice(reason, line)
