"""What becomes of a review, in order: parse, plan, resolve, make operations, check, respond.

`admit` answers the API server's reviews; `mutate` is the part of it that manifests go through, too.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from msgspec import Struct

from webhook.admission.checks import Checks
from webhook.core import mutation, patch, policy, response, review
from webhook.core.errors import BadPod, Overdue, PatchFailed
from webhook.core.log_events import LogEvent
from webhook.core.mutation import Delivery
from webhook.core.observe import Observer
from webhook.core.patch import Patch
from webhook.core.pod import Json, Pod
from webhook.core.policy import ClusterRules, NeedsImage, Plan, Skip, Wrap
from webhook.core.reasons import UNRESOLVED, Reason, remedy
from webhook.core.response import Verdict
from webhook.core.review import Review

_NOT_OURS = (BadPod, Overdue)  # what the pod, or its namespace, brought about itself


class Resolver(Protocol):
    """Whoever can find out what an image runs."""

    async def resolve(self, plan: Plan, pod: Pod, namespace: str, *, deadline: float) -> Plan:
        """Turn every NeedsImage of the plan into Wrap or Skip, by `deadline` at the latest.

        `deadline` is a time of the event loop's clock, in seconds. Raises nothing.
        """


@dataclass(frozen=True, slots=True)
class Engine:
    """What every pod goes through. `deny_unresolved`: refuse a pod rather than leave it alone."""

    rules: ClusterRules
    delivery: Delivery
    resolver: Resolver
    observer: Observer
    deny_unresolved: bool = False
    as_volume: Callable[[Pod], bool] | None = None
    """Says of each pod whether it gets the reaper's image as a volume, where nodes decide that."""
    checks: Checks = field(default_factory=Checks)


class Mutated(Struct, frozen=True):
    """What became of a pod: the plan carried out, the patch, and the patched pod."""

    plan: Plan
    patch: Patch
    before: Pod

    @property
    def pod(self) -> Json:
        """The patched pod."""
        patched: Json = patch.apply(self.before.raw, self.patch)
        return patched


class Answer(Struct, frozen=True):
    """An answer on its way to the API server, and what is worth knowing of it.

    `result` is patched, unchanged, denied, failed or ignored (not the CREATE of a pod).
    """

    body: bytes
    result: str
    review: Review
    owner: str = ""
    containers: Mapping[str, str] | None = None
    plan: Plan | None = None


async def admit(body: bytes, engine: Engine, *, deadline: float) -> Answer:
    """Answer a review. Raises BadReview where the body is none, and nothing else.

    A failure of our own lets the pod pass as it came, with a warning; a resolver that hangs
    costs no more than the containers that were looked up.
    """
    request = review.parse(body)
    pod = request.pod
    if pod is None:
        if request.error:
            return _failed(request, engine, request.error)
        return Answer(response.respond(request, Verdict()), "ignored", request)
    try:
        mutated = await mutate(pod, request.namespace, engine, deadline=deadline)
        answer = _answer(request, pod.owner, mutated, engine)
    except Exception as error:  # noqa: BLE001  # whatever it is, the pod must be admitted
        return _failed(request, engine, error)
    if answer.containers:
        engine.observer.containers(answer.containers.values())
    return answer


async def mutate(pod: Pod, namespace: str, engine: Engine, *, deadline: float) -> Mutated:
    """Plan and resolve one pod, make its patch, and check that.

    A patch that does not apply would reject the pod even under `failurePolicy: Ignore`.
    Raises PatchFailed for a mistake of our own.
    """
    plan = policy.plan(pod, engine.rules)
    asked = list(map(type, plan.decisions)).count(NeedsImage)
    if asked:
        with engine.observer.span("resolve", {"initshim.images": asked}):
            plan = await engine.resolver.resolve(plan, pod, namespace, deadline=deadline)
    operations = mutation.operations(pod, plan, _delivery(pod, engine))
    if operations or not plan.reason:
        engine.checks.check(pod, plan, operations)
    return Mutated(plan, operations, pod)


def _delivery(pod: Pod, engine: Engine) -> Delivery:
    if engine.as_volume is None:
        return engine.delivery
    return dataclasses.replace(engine.delivery, as_volume=engine.as_volume(pod), by_nodes=True)


def outcomes(plan: Plan) -> dict[str, str]:
    """What became of each container: "wrapped" or the reason; "*" stands for a whole pod."""
    if plan.reason:
        return {"*": plan.reason}
    became: dict[str, str] = {}
    for each in plan.decisions:
        if isinstance(each, Wrap):
            became[each.container.name] = "wrapped"
        elif isinstance(each, Skip):
            became[each.container.name] = each.reason
    return became


def _answer(request: Review, owner: str, mutated: Mutated, engine: Engine) -> Answer:
    containers = outcomes(mutated.plan)
    verdict = _verdict(mutated, containers, engine)
    result = "denied" if verdict.denial else "patched" if verdict.patch else "unchanged"
    return Answer(
        response.respond(request, verdict), result, request, owner, containers, mutated.plan
    )


def _verdict(mutated: Mutated, containers: Mapping[str, str], engine: Engine) -> Verdict:
    if engine.deny_unresolved:
        unresolved = {name: why for name, why in containers.items() if why in UNRESOLVED}
        if unresolved:
            return Verdict(denial=_denial(unresolved))
    wrapped = [name for name, outcome in containers.items() if outcome == "wrapped"]
    names = ",".join(wrapped)
    audit = {"wrapped": names} if names else {}
    if len(wrapped) < len(containers):
        # A format would cost each member of an enumeration a call.
        skipped = ["=".join((name, why)) for name, why in containers.items() if why != "wrapped"]
        audit["skipped"] = ",".join(skipped)
    return Verdict(patch=mutated.patch, warnings=policy.warnings(mutated.plan), audit=audit)


def _denial(unresolved: Mapping[str, str]) -> str:
    sentences = [
        f"container {name} ({why}): {remedy(Reason(why), name)}" for name, why in unresolved.items()
    ]
    return f"initshim can't tell what to run. {'; '.join(sentences)}"


def _failed(request: Review, engine: Engine, error: Exception) -> Answer:
    """Let the pod pass: what is wrong with it the API server says better than we could."""
    known = (*_NOT_OURS, PatchFailed)
    engine.observer.note(
        LogEvent.REVIEW_FAILED,
        uid=request.uid,
        namespace=request.namespace,
        pod=request.name,
        error=f"{type(error).__name__}: {error}" if isinstance(error, known) else "",
        exception=None if isinstance(error, _NOT_OURS) else error,
    )
    warning = "initshim left the pod alone: it failed at it; its log has the error"
    if isinstance(error, _NOT_OURS):
        warning = f"initshim left the pod alone: {error}"
    body = response.respond(request, Verdict(warnings=[warning]))
    return Answer(body, "failed", request)
