"""From what was asked to the answer: look, find out whose it was, print."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from webhook.cli import output
from webhook.cli.audit.owners import BETWEEN, Workload, above, of_pod
from webhook.cli.audit.progress import bar
from webhook.cli.installation.survey import BY_POLICY, Installation, survey
from webhook.cli.leaks import by_exec, by_nodes, forecasts, node_pods, report
from webhook.cli.leaks.by_nodes import NotCounted, Survey
from webhook.cli.leaks.findings import findings
from webhook.cli.leaks.observations import Observations
from webhook.cli.leaks.pods import Running, running
from webhook.cli.leaks.report import ReportFormat
from webhook.core.pod import Pod
from webhook.core.policy import ClusterRules
from webhook.kube.attempt import attempt
from webhook.kube.client import KubeClient
from webhook.kube.connect import Connection
from webhook.kube.errors import Missing
from webhook.kube.exec import run as exec_in
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
    """Observations, print what was found, and give the exit code. Raises InitshimError."""
    async with KubeClient(connection, largest=_LARGEST, deadline=_DEADLINE) as client:
        if request.dry_run:
            await _print_pods(client, request)
            return DONE
        _say_rights(request)
        if request.by_exec:
            observations, containers, forecast, problems = await _inside(
                client, connection, request
            )
        else:
            observations, containers, forecast, problems = await _on_nodes(client, request)
        found = findings(observations, containers)
        report.print_report(found, problems, request.output_format, forecast)
        for line in problems:
            output.stderr().print(f"initshim leaks: {line}", markup=False)
        if problems and not observations:
            return PARTLY
        mended = any(each.cause != "late" for each in found.leaks)
        return FOUND if request.fail and mended else PARTLY if problems else DONE


def _say_rights(request: Request) -> None:
    """Say which rights are used before the first of them is."""
    read = (
        "list pods (and get and list replicasets and jobs), and, if you have it,"
        " mutatingwebhookconfigurations and mutatingadmissionpolicies"
    )
    if request.by_exec:
        needed = f"{read}; get and create pods/exec"
    else:
        needed = (
            f"{read}; list nodes; in namespace {request.pods_in} create, get, delete and"
            " deletecollection pods, and get pods/log"
        )
    output.stderr().print(f"initshim leaks: this needs the rights: {needed}.", markup=False)


async def _print_pods(client: KubeClient, request: Request) -> None:
    """Print the objects that would be made, as YAML; nothing is made."""
    fit, unfit = await _nodes(client, request)
    survey = _survey(request)
    documents = [node_pods.namespace_manifest(request.pods_in)] if request.create_namespace else []
    documents += [_pod(node, survey) for node in fit]
    output.write(yaml.safe_dump_all(documents, sort_keys=False))
    for name, why in unfit.items():
        output.stderr().print(f"initshim leaks: node {name}: {why}", markup=False)


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


Seen = tuple[list[Observations], Mapping[str, Running], report.Forecast, list[str]]


async def _on_nodes(client: KubeClient, request: Request) -> Seen:
    fit, unfit = await _nodes(client, request)
    problems = [f"node {name}: {why}" for name, why in unfit.items()]
    if not fit:
        raise NotCounted("There is no node to look at", next_step="; ".join(problems))
    made = await _prepare(client, request)
    try:
        with bar() as drawn:
            seen = await by_nodes.observe_nodes(client, fit, _survey(request), drawn)
    finally:
        if made:
            await client.delete(Ref(NAMESPACE, request.pods_in))
    # After the look, so that no container that was seen is too young to be listed.
    containers, forecast = await _containers(client, request)
    problems += [output.sentence(error) for error in seen.problems]
    return seen.observations, containers, forecast, problems


async def _prepare(client: KubeClient, request: Request) -> bool:
    """See to the namespace for the pods; true where it was made for this run."""
    ref = Ref(NAMESPACE, request.pods_in)
    try:
        namespace = await client.get(ref)
    except Missing as error:
        if not request.create_namespace:
            raise NotCounted(
                f"There is no namespace {request.pods_in} for the pods that look at nodes. It"
                " must allow hostPID (Pod Security: privileged)",
                next_step="--create-namespace makes it for the time of the look; --pods-in names"
                " another; --exec does without pods.",
            ) from error
        await client.create(ref, node_pods.namespace_manifest(request.pods_in))
        return True
    if not node_pods.admits_host_pid(namespace):
        raise NotCounted(
            f"The namespace {request.pods_in} does not allow hostPID (Pod Security)",
            next_step="Name one with the label pod-security.kubernetes.io/enforce: privileged"
            " (--pods-in), or look from inside: --exec.",
        )
    return False


async def _inside(client: KubeClient, connection: Connection, request: Request) -> Seen:
    containers, forecast = await _containers(client, request)

    async def run(container: Running, command: tuple[str, ...]) -> str:
        ref = Ref(POD, container.pod, container.workload.namespace)
        ran = await exec_in(connection, ref, container.container, command, largest=_LARGEST_EXEC)
        return ran.stdout

    with bar() as drawn:
        seen = await by_exec.observe_containers(containers, run, seconds=request.seconds, bar=drawn)
    return [seen.observations], containers, forecast, list(seen.problems)


async def _containers(
    client: KubeClient, request: Request
) -> tuple[dict[str, Running], report.Forecast]:
    """Give the running containers by id, and what initshim would do to each of a workload's."""
    pods: list[Pod] = []
    makers: dict[Workload, Workload] = {}
    for namespace in request.namespaces or (None,):
        here = [Pod(raw) async for raw in client.list(POD, namespace=namespace)]
        pods += here
        kinds = {of_pod(pod, "").typed for pod in here} & BETWEEN.keys()
        for kind in kinds:
            listed = [each async for each in client.list(BETWEEN[kind], namespace=namespace)]
            makers |= above(listed, BETWEEN[kind])
    return running(pods, makers), forecasts.forecast(pods, makers, await _rules(client))


async def _rules(client: KubeClient) -> ClusterRules:
    """By what pods are wrapped here; the webhook's defaults where that can't be seen."""
    found = await attempt(survey(client))
    if isinstance(found, Installation) and found.by_policy:
        output.stderr().print(f"initshim leaks: {BY_POLICY}", markup=False)
        return ClusterRules(lookups=False)
    return ClusterRules()
