"""What labelling a namespace would do: each of its workloads through the webhook's own engine.

A workload is planned by its template; a pod of no such workload (bare, or of a custom resource) by
itself. Rights: get the namespace, list pods and every kind of workload in it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass

from webhook.admission.admit import Engine, mutate
from webhook.cli import outcomes
from webhook.cli.audit import status
from webhook.cli.audit.owners import Workload, of_pod
from webhook.cli.audit.progress import Bar
from webhook.cli.installation.selection import Selection
from webhook.cli.outcomes import Outcome
from webhook.core import policy
from webhook.core.annotations import INJECT
from webhook.core.errors import BadPod
from webhook.core.pod import Pod
from webhook.core.pod_templates import pod_templates
from webhook.core.reasons import UNRESOLVED
from webhook.kube.client import KubeClient
from webhook.kube.errors import KubeError
from webhook.kube.objects import INTERMEDIATE, NAMESPACE, POD, WORKLOADS, Json, Ref

_MAKERS = (*WORKLOADS, *INTERMEDIATE)
_PLANNED_BY_TEMPLATE = {(kind.version, kind.name) for kind in _MAKERS}
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Planned:
    """One workload: what would become of its containers, and what kubectl would warn of."""

    workload: Workload
    outcomes: tuple[Outcome, ...]
    warnings: tuple[str, ...] = ()
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Forecast:
    """What would happen in a namespace; `selected` is "already", "with-label" or "never".

    `label` is the value that the namespace's label has now, None where it has none.
    """

    namespace: str
    selected: str
    planned: tuple[Planned, ...]
    problems: tuple[KubeError, ...] = ()
    label: str | None = None


async def forecast(
    client: KubeClient,
    selection: Selection,
    engine: Engine,
    namespace: str,
    *,
    seconds: float,
    bar: Bar,
) -> Forecast:
    """Plan every workload of a namespace; `seconds` for each one's lookups. Raises KubeError."""
    labels = (await client.get(Ref(NAMESPACE, namespace)))["metadata"].get("labels") or {}
    problems: list[KubeError] = []
    found = [each async for each in _found(client, namespace, problems)]
    bar.begin("workloads", len(found))
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(workload: Workload, pod: Json) -> Planned:
        async with turn:
            planned = await _plan(workload, pod, engine, seconds=seconds)
        bar.step(str(workload))
        return planned

    planned = await asyncio.gather(*(one(*each) for each in found))
    ordered = tuple(sorted(planned, key=lambda each: each.workload))
    selected = _selected(selection, namespace, labels)
    return Forecast(namespace, selected, ordered, tuple(problems), labels.get(INJECT))


def _selected(selection: Selection, namespace: str, labels: Mapping[str, str]) -> str:
    if selection.selects_namespace(namespace, labels):
        return "already"
    with_label = {**labels, INJECT: "enabled"}
    return "with-label" if selection.selects_namespace(namespace, with_label) else "never"


async def _found(
    client: KubeClient, namespace: str, problems: list[KubeError]
) -> AsyncIterator[tuple[Workload, Json]]:
    """Give each workload and its pod template, then the pods of nobody who has one."""
    for kind in _MAKERS:
        try:
            listed = [each async for each in client.list(kind, namespace=namespace)]
        except KubeError as error:
            problems.append(error)
            continue
        for each in listed:
            made_by_another = Pod({"metadata": each.get("metadata")}).owner
            if made_by_another or (each.get("status") or {}).get("completionTime"):
                continue  # somebody above it is planned, or it will make no more pods
            for found in pod_templates({**each, "kind": kind.name}):  # items of a list don't say it
                yield Workload(namespace, kind.name, found.name, kind.version), found.pod
    try:
        pods = [each async for each in client.list(POD, namespace=namespace)]
    except KubeError as error:
        problems.append(error)
        return
    for alone in _alone(pods, namespace):
        yield alone


def _alone(pods: list[Json], namespace: str) -> Iterator[tuple[Workload, Json]]:
    seen: set[Workload] = set()
    for raw in pods:
        owner = of_pod(Pod({"metadata": raw["metadata"]}), namespace)
        by_template = owner.typed in _PLANNED_BY_TEMPLATE
        if not by_template and owner not in seen and not status.read(raw).has_ended:
            seen.add(owner)
            yield owner, raw


async def _plan(workload: Workload, raw: Json, engine: Engine, *, seconds: float) -> Planned:
    deadline = asyncio.get_running_loop().time() + seconds
    try:
        pod = Pod({"metadata": raw.get("metadata") or {}, "spec": raw.get("spec") or {}})
        mutated = await mutate(pod, workload.namespace, engine, deadline=deadline)
    except BadPod as error:
        return Planned(workload, (outcomes.failed(error),))
    found = tuple(outcomes.of_plan(mutated.plan))
    unresolved = any(each.outcome in UNRESOLVED for each in found)
    refused = engine.deny_unresolved and unresolved
    return Planned(workload, found, tuple(policy.warnings(mutated.plan)), refused)
