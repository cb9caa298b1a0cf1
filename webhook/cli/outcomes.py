"""What became of each container, in words: what every command that plans pods tells."""

from collections.abc import Iterator
from dataclasses import dataclass

from webhook.core.errors import BadPod
from webhook.core.policy import Plan, Skip, Wrap
from webhook.core.printable import printable
from webhook.core.reasons import Reason, remedy

WRAPPED = "wrapped"
WHOLE_POD = "*"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one container; `container` is "*" for a pod that is left alone whole.

    `outcome` is "wrapped" or the reason's public name, `why` and `remedy` its sentences.
    """

    container: str
    outcome: str
    why: str = ""
    remedy: str = ""


def of_plan(plan: Plan) -> Iterator[Outcome]:
    """Tell a plan that is resolved; a NeedsImage in it is passed over."""
    if plan.reason:
        yield left(WHOLE_POD, plan.reason, plan.detail)
    for decision in plan.decisions:
        name = decision.container.name
        if isinstance(decision, Wrap):
            yield Outcome(name, WRAPPED)
        elif isinstance(decision, Skip):
            yield left(name, decision.reason, decision.detail, decision.remedy)


def failed(error: BadPod) -> Outcome:
    """Tell that a pod is left alone whole because it can't be read: it has no reason's name."""
    return Outcome(WHOLE_POD, "failed", str(error))


def left(container: str, reason: Reason, detail: str = "", todo: str = "") -> Outcome:
    """Tell that a container is left alone; `detail` and `todo` where more is known."""
    named = "" if container == WHOLE_POD else container
    # A registry's own words may be in it; none of them is to move the cursor.
    why = printable(detail) or reason.meaning.sentence
    return Outcome(container, reason, why, todo or remedy(reason, named))
