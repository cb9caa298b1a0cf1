"""List the pods of the opted-in namespaces, page by page, and compare each as it comes by.

Rights: list pods, and replicasets and jobs to find the Deployment or CronJob behind a pod.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from webhook.cli.audit import compare, status
from webhook.cli.audit.basis import Basis
from webhook.cli.audit.compare import MISSED, State
from webhook.cli.audit.owners import BETWEEN, Workload, above, of_pod
from webhook.cli.audit.progress import Bar
from webhook.cli.audit.shared_lookups import SharedLookups
from webhook.cli.installation.reaper_delivery import Undelivered, undelivered
from webhook.cli.installation.selection import OptedIn
from webhook.cli.outcomes import Outcome, failed
from webhook.core import policy
from webhook.core.errors import BadPod
from webhook.core.ours import is_wrapped
from webhook.core.pod import Json, Pod
from webhook.kube.client import KubeClient
from webhook.kube.errors import KubeError
from webhook.kube.objects import POD, Kind

_AT_ONCE = 6  # namespaces; the API server's own limit for one user is fair, not large
_NOT_SELECTED = Outcome("*", "not-selected", "the webhook's objectSelector leaves it out")


@dataclass(frozen=True, slots=True)
class Audited:
    """One pod and what became of it.

    `created` is RFC 3339. `since` maps wrapped containers that run to when they started.
    """

    namespace: str
    name: str
    workload: Workload
    state: State
    outcomes: tuple[Outcome, ...] = ()
    created: str = ""
    since: Mapping[str, str] = field(default_factory=dict)
    undelivered: Undelivered | None = None
    """What keeps the reaper from a pod that is stuck."""


@dataclass(frozen=True, slots=True)
class Findings:
    """Every pod; `problems` are the errors that kept pods or owners from being read."""

    namespaces: tuple[OptedIn, ...]
    pods: tuple[Audited, ...]
    problems: tuple[KubeError, ...] = ()


class Auditor:
    """Lists and compares; a namespace that can't be listed is a problem, not the end."""

    def __init__(self, client: KubeClient, basis: Basis, lookups: SharedLookups, bar: Bar) -> None:
        self._client = client
        self._basis = basis
        self._lookups = lookups
        self._bar = bar

    async def audit(self, places: Sequence[OptedIn]) -> Findings:
        """Audit the pods of these namespaces."""
        self._bar.begin("namespaces", len(places))
        turn = asyncio.Semaphore(_AT_ONCE)

        async def one(place: OptedIn) -> Findings:
            async with turn:
                found = await self._namespace(place)
            self._bar.step(place.name)
            return found

        found = await asyncio.gather(*map(one, places))
        pods = sorted(
            (pod for each in found for pod in each.pods),
            key=lambda pod: (pod.workload, pod.name),
        )
        problems = tuple(problem for each in found for problem in each.problems)
        return Findings(tuple(places), tuple(pods), problems)

    async def _namespace(self, place: OptedIn) -> Findings:
        jobs: list[asyncio.Task[Audited]] = []
        problems: list[KubeError] = []
        try:
            async for raw in self._client.list(POD, namespace=place.name):
                # A task of its own, so that a pod without a lookup is let go before the next page.
                jobs.append(asyncio.create_task(self._pod(_slim(raw), place)))
                if len(jobs) % 250 == 0:
                    self._bar.annotate(f"{place.name}: {len(jobs)} pods")
        except KubeError as error:
            problems.append(error)
        pods = await asyncio.gather(*jobs)
        makers: dict[Workload, Workload] = {}
        for kind in {pod.workload.typed for pod in pods} & BETWEEN.keys():
            try:
                makers |= await self._makers(BETWEEN[kind], place.name)
            except KubeError as error:
                problems.append(error)
        named = (replace(pod, workload=makers.get(pod.workload, pod.workload)) for pod in pods)
        return Findings((place,), tuple(named), tuple(problems))

    async def _makers(self, kind: Kind, namespace: str) -> dict[Workload, Workload]:
        listed = [each async for each in self._client.list(kind, namespace=namespace)]
        return above(listed, kind)

    async def _pod(self, raw: Json, place: OptedIn) -> Audited:
        """Audit a pod; one that the webhook can't read is left alone by it, and so it is here."""
        try:
            return await self._compared(Pod(raw), place)
        except BadPod as error:
            seen = _ended(Pod({"metadata": raw["metadata"]}), place)
            if status.read(raw).has_ended:
                return seen
            return replace(seen, state=State.SKIPPED, outcomes=(failed(error),))

    async def _compared(self, pod: Pod, place: OptedIn) -> Audited:
        seen = _ended(pod, place)
        if compare.has_ended(pod) and not undelivered(pod.raw):
            return seen
        if not self._basis.selection.selects_pod(pod):
            return replace(seen, state=State.SKIPPED, outcomes=(_NOT_SELECTED,))
        plan = compare.with_record(pod, policy.plan(pod, self._basis.rules))
        plan = await self._lookups.settle(plan, pod, place.name)
        outcomes = tuple(_dated(compare.compare(pod, plan), seen.created, place, self._basis))
        state = compare.state(outcomes)
        lacks = undelivered(pod.raw) if state is State.WRAPPED else None
        return replace(
            seen,
            state=State.STUCK if lacks else state,
            outcomes=outcomes,
            since=_running(pod),
            undelivered=lacks,
        )


def _ended(pod: Pod, place: OptedIn) -> Audited:
    """Give what its metadata tells, of a pod that is not looked at."""
    created = str(pod.raw["metadata"].get("creationTimestamp") or "")
    owner = of_pod(pod, place.name)
    return Audited(place.name, pod.metadata.name or "", owner, State.ENDED, created=created)


def _slim(raw: Json) -> Json:
    """Give the pod without what thousands of them needn't keep in memory."""
    metadata = {key: value for key, value in raw["metadata"].items() if key != "managedFields"}
    return {**raw, "metadata": metadata}


def _dated(
    outcomes: Iterable[Outcome], created: str, place: OptedIn, basis: Basis
) -> Iterable[Outcome]:
    """Say why a container was missed, as far as the clocks tell."""
    for each in outcomes:
        if each.outcome != MISSED or each.why:
            yield each
        elif basis.since and created < basis.since:
            yield replace(each, why=f"older than the {'policy' if basis.by_policy else 'webhook'}")
        elif place.labelled and created < place.labelled:
            yield replace(each, why="older than the namespace's label")
        elif basis.by_policy:
            yield replace(each, why="the policy leaves it, or did not hold when it was created")
        else:
            yield replace(each, why="created when the webhook did not answer")


def _running(pod: Pod) -> dict[str, str]:
    """Give the wrapped containers that run, and since when."""
    started = status.read(pod.raw).started
    return {
        each.name: started[each.name]
        for each in pod.containers
        if is_wrapped(each) and each.name in started
    }
