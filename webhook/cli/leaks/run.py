"""From what was asked to the answer: look, find out whose it was, print."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from webhook.cli import output
from webhook.cli.audit.owners import above
from webhook.cli.audit.progress import bar
from webhook.cli.installation.survey import BY_POLICY, Installation, survey
from webhook.cli.leaks import by_exec, by_nodes, node_pods, report
from webhook.cli.leaks.by_nodes import NotCounted, Survey
from webhook.cli.leaks.findings import Cause, findings
from webhook.cli.leaks.limits import Limits, read_limits
from webhook.cli.leaks.namespace import prepare
from webhook.cli.leaks.observations import Observations
from webhook.cli.leaks.pods import Inventory, Running
from webhook.cli.leaks.report import ReportFormat
from webhook.core.policy import ClusterRules
from webhook.kube.attempt import attempt
from webhook.kube.client import KubeClient
from webhook.kube.connect import Connection
from webhook.kube.exec import exec_in
from webhook.kube.objects import NAMESPACE, NODE, POD, Ref

DONE, PARTLY, FOUND = 0, 1, 3
_LARGEST = 64 << 20  # bytes; a page of 250 pods with all their fields, or a census' log
_LARGEST_EXEC = 1 << 20
_DEADLINE = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for. `seconds` are between the two observations."""

    namespaces: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    by_exec: bool = False
    seconds: int = 5
    image: str = ""
    pods_in: str = "initshim-leaks"
    create_namespace: bool = False
    at_once: int = 20
    dry_run: bool = False
    fail: bool = False
    output_format: ReportFormat = ReportFormat.TABLE


async def answer(connection: Connection, request: Request) -> int:
    """Look, print what was found, and give the exit code. Raises InitshimError."""
    async with KubeClient(connection, largest=_LARGEST, deadline=_DEADLINE) as client:
        if request.dry_run:
            await _print_pods(client, request)
            return DONE
        _say_rights(request)
        seen = (
            await _inside(client, connection, request)
            if request.by_exec
            else await _on_nodes(client, request)
        )
    running = seen.inventory.running()
    found = findings(seen.observations, running, seen.limits.by_node)
    problems = [*seen.problems, *seen.inventory.unread]
    report.print_report(found, problems, request.output_format, seen.inventory.forecasts())
    _say(*problems)
    if seen.limits.unknown:
        _say(seen.limits.unknown)
    if problems and not seen.observations:
        return PARTLY
    leaking = any(each.cause is not Cause.LATE for each in found.leaks)
    return FOUND if request.fail and leaking else PARTLY if problems else DONE


@dataclass(slots=True)
class _Seen:
    """What was seen, whose it was, and what could not be seen."""

    inventory: Inventory
    limits: Limits
    observations: Sequence[Observations]
    problems: list[str]


def _say(*lines: str) -> None:
    for line in lines:
        output.stderr().print(f"initshim leaks: {line}", markup=False)


def _say_rights(request: Request) -> None:
    """Say which rights are used before the first of them is."""
    read = (
        "list pods (and replicasets and jobs, where pods are theirs), and, if you have it,"
        " mutatingwebhookconfigurations and mutatingadmissionpolicies"
    )
    if request.by_exec:
        needed = f"{read}; get and create pods/exec"
    else:
        needed = (
            f"{read}; list nodes; get namespaces; in namespace {request.pods_in} create, get,"
            " delete and deletecollection pods, and get pods/log"
        )
        if request.create_namespace:
            needed += "; create and delete namespaces"
    _say(
        f"this needs the rights: {needed}.",
        "with the right to get nodes/proxy it tells of the pods' PID limits, too.",
    )


async def _print_pods(client: KubeClient, request: Request) -> None:
    """Print the objects that would be made, as YAML; nothing is made."""
    fit, unfit = await _nodes(client, request)
    survey = _survey(request)
    documents = [node_pods.namespace_manifest(request.pods_in)] if request.create_namespace else []
    documents += [_pod(node, survey) for node in fit]
    output.write(yaml.safe_dump_all(documents, sort_keys=False))
    for name, why in unfit.items():
        _say(f"node {name}: {why}")


def _pod(node: str, survey: Survey) -> dict[str, object]:
    return node_pods.census_pod(
        node=node,
        run=survey.run,
        namespace=survey.namespace,
        image=survey.image,
        seconds=survey.seconds,
    )


def _survey(request: Request) -> Survey:
    return Survey(
        namespace=request.pods_in,
        run=secrets.token_hex(4),
        image=request.image,
        seconds=request.seconds,
        at_once=request.at_once,
    )


async def _nodes(client: KubeClient, request: Request) -> tuple[list[str], dict[str, str]]:
    listed = [node async for node in client.list(NODE)]
    return node_pods.usable(listed, request.nodes)


async def _on_nodes(client: KubeClient, request: Request) -> _Seen:
    fit, unfit = await _nodes(client, request)
    problems = [f"node {name}: {why}" for name, why in unfit.items()]
    if not fit:
        raise NotCounted("There is no node to look at", next_step="; ".join(problems))
    made = await prepare(client, request.pods_in, create=request.create_namespace)
    seen = by_nodes.Seen()
    try:
        with bar() as drawn:
            await by_nodes.observe_nodes(client, fit, _survey(request), drawn, seen)
    except asyncio.CancelledError:
        left = [
            output.sentence(each) for each in seen.problems if isinstance(each, by_nodes.NotDeleted)
        ]
        _say(*left or ["its pods are deleted"])
        raise
    finally:
        if made:
            await client.delete(Ref(NAMESPACE, request.pods_in))
    problems += [output.sentence(error) for error in seen.problems]
    limits = await read_limits(client, fit, at_once=request.at_once)
    # After the look, so that no container that was seen is too young to be listed.
    return _Seen(
        await inventory(client, request.namespaces, await _rules(client)),
        limits,
        seen.observations,
        problems,
    )


async def _inside(client: KubeClient, connection: Connection, request: Request) -> _Seen:
    known = await inventory(client, request.namespaces, await _rules(client))
    containers = known.running()

    async def run(container: Running, command: tuple[str, ...]) -> str:
        ref = Ref(POD, container.pod, container.workload.namespace)
        ran = await exec_in(connection, ref, container.container, command, largest=_LARGEST_EXEC)
        return ran.stdout

    with bar() as drawn:
        seen = await by_exec.observe_containers(
            containers, run, seconds=request.seconds, bar=drawn, at_once=request.at_once
        )
    nodes = sorted({each.node for each in containers.values() if each.node})
    limits = await read_limits(client, nodes, at_once=request.at_once)
    return _Seen(known, limits, seen.observations, list(seen.problems))


async def _rules(client: KubeClient) -> ClusterRules:
    """By what pods are wrapped here; the webhook's defaults where that can't be seen."""
    found = await attempt(survey(client))
    if isinstance(found, Installation) and found.by_policy:
        _say(BY_POLICY)
        return ClusterRules(lookups=False)
    return ClusterRules()


async def inventory(
    client: KubeClient, namespaces: Sequence[str], rules: ClusterRules
) -> Inventory:
    """List the pods, and who made their ReplicaSets and Jobs; one at a time is kept whole."""
    known = Inventory(rules)
    for namespace in namespaces or (None,):
        async for raw in client.list(POD, namespace=namespace):
            known.add(raw)
        for kind in known.between():
            async for each in client.list(kind, namespace=namespace):
                known.made_by(above([each], kind))
    return known
