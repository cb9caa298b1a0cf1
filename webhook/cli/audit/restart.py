"""Restart the workloads that own missed pods, as `kubectl rollout restart` does it.

Rights: get and patch deployments, statefulsets and daemonsets; create pods, for a dry run that
tells whether the webhook answers by now.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import click

from webhook.cli import output
from webhook.cli.audit.compare import State
from webhook.cli.audit.owners import RESTARTED, Workload, again
from webhook.cli.audit.summary import Tally
from webhook.cli.installation import dry_run_pod
from webhook.cli.output import WrongUsage
from webhook.kube.client import KubeClient
from webhook.kube.errors import Forbidden, KubeError
from webhook.kube.objects import POD, Json, Ref

# The annotation that kubectl sets (k8s.io/kubectl, pkg/polymorphichelpers/objectrestarter.go).
_RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"

_DEAF = (
    "a pod that was created in {0} in a dry run came back unwrapped: new pods would be missed "
    "again. initshim doctor --namespace {0} says why."
)


@dataclass(frozen=True, slots=True)
class Restarted:
    """What came of one workload: `problem` is "" where it is restarted."""

    workload: Workload
    problem: str = ""
    remedy: str = ""


def wanted(counted: Sequence[Tally]) -> tuple[list[Tally], list[Tally]]:
    """Split the workloads with missed pods: those that can be restarted, and the others."""
    missed = [each for each in counted if each.states[State.MISSED]]
    can = [each for each in missed if each.workload.typed in RESTARTED]
    return can, [each for each in missed if each.workload.typed not in RESTARTED]


async def restart(
    client: KubeClient, workloads: Sequence[Workload], *, now: Callable[[], datetime]
) -> list[Restarted]:
    """Restart one after the other; what can't be is said, and the rest goes on."""
    return [await _one(client, each, now()) for each in workloads]


async def _one(client: KubeClient, workload: Workload, now: datetime) -> Restarted:
    ref = Ref(RESTARTED[workload.typed], workload.name, workload.namespace)
    try:
        spec = (await client.get(ref)).get("spec") or {}
        for problem, remedy in _obstacles(spec, workload):
            return Restarted(workload, problem, remedy)
        moment = now.isoformat(timespec="seconds")
        annotations = {"annotations": {_RESTARTED_AT: moment}}
        await client.merge_patch(ref, {"spec": {"template": {"metadata": annotations}}})
    except KubeError as error:
        right = f"--verb=get,patch --resource={ref.kind.resource}"
        grant = f"kubectl create clusterrole initshim-restart {right}"
        step = grant if isinstance(error, Forbidden) else error.next_step
        return Restarted(workload, str(error), step)
    return Restarted(workload)


def _obstacles(spec: Json, workload: Workload) -> Iterator[tuple[str, str]]:
    where = f"-n {workload.namespace} {workload.kind.lower()}/{workload.name}"
    if spec.get("paused"):
        yield "it is paused", f"kubectl rollout resume {where}, then {again(workload)}"
    if (spec.get("updateStrategy") or {}).get("type") == "OnDelete":
        yield "its updateStrategy is OnDelete: a new template starts no pods", "delete its pods"


async def offer(client: KubeClient, counted: Sequence[Tally], *, yes: bool) -> bool:
    """Say what would be restarted, ask, and do it; False where something was left undone.

    A no is an answer, not a failure. Raises WrongUsage where nobody can be asked.
    """
    can, others = wanted(counted)
    console = output.stderr()
    for each in others:
        said = f"{_where(each.workload)} can't be restarted: {again(each.workload)}"
        console.print(f"initshim audit: {said}", markup=False)
    if not can:
        console.print("initshim audit: nothing to restart", markup=False)
        return True
    if await _is_deaf(client, can[0].workload.namespace):
        console.print(f"initshim audit: {_DEAF.format(can[0].workload.namespace)}", markup=False)
    if not yes:
        if not sys.stdin.isatty():
            raise WrongUsage(
                "--restart asks first, and nobody is there to answer",
                next_step="Add --yes to restart without asking.",
            )
        for each in can:
            missed = each.states[State.MISSED]
            console.print(f"  {_where(each.workload)}  {missed} missed", markup=False)
        if not click.confirm(_question(len(can)), err=True):
            return True
    done = await restart(client, [each.workload for each in can], now=lambda: datetime.now(UTC))
    for one in done:
        said = f"{_where(one.workload)} is not restarted: {one.problem}. {one.remedy}"
        line = said.rstrip() if one.problem else f"{_where(one.workload)} restarted"
        console.print(f"initshim audit: {line}", markup=False)
    return not any(one.problem for one in done)


async def _is_deaf(client: KubeClient, namespace: str) -> bool:
    """Tell, by a dry run, whether a new pod would be missed again; False where nobody lets us."""
    try:
        created, _ = await client.rehearse(
            Ref(POD, dry_run_pod.NAME, namespace), dry_run_pod.pod("probe")
        )
    except KubeError:
        return False
    return not dry_run_pod.is_wrapped(created)


def _question(count: int) -> str:
    return "Restart it?" if count == 1 else f"Restart these {count}?"


def _where(workload: Workload) -> str:
    return f"{workload.namespace} {workload}"
