"""Look from the nodes: a pod on each, its log read, and every pod gone again, whatever happens.

Rights: list nodes; in the namespace of the pods create, get, delete and deletecollection pods, and
get pods/log.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from webhook.cli.audit.progress import Bar
from webhook.cli.leaks import census
from webhook.cli.leaks.node_pods import LABEL, census_pod
from webhook.cli.leaks.observations import Observations
from webhook.core.errors import InitshimError
from webhook.core.pod import Json
from webhook.kube.client import KubeClient
from webhook.kube.errors import Forbidden, KubeError, Missing
from webhook.kube.objects import POD, Ref

_LARGEST_LOG = 16 << 20
_START = 90.0  # seconds for the image to be pulled and the pod to start
_POLL = 1.0
_SWEEP = 20.0
_ACCOUNT_TRIES = 20
_NEVER_PULLED = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"}


class NotCounted(InitshimError):
    """A node could not be looked at; the message says which and why."""


class NotDeleted(InitshimError):
    """Something of the run may still be in the cluster; the message says what, and where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """How nodes are looked at: `seconds` between two looks, `at_once` nodes at a time."""

    namespace: str
    run: str
    image: str
    seconds: int
    at_once: int = 20


@dataclass(slots=True)
class Seen:
    """What the nodes showed, and the errors of those that showed nothing."""

    observations: list[Observations] = field(default_factory=list)
    problems: list[InitshimError] = field(default_factory=list)


async def observe_nodes(
    client: KubeClient, nodes: Sequence[str], survey: Survey, bar: Bar, seen: Seen
) -> None:
    """Look at every node, and delete every pod that was made: also on Ctrl-C, also on failure.

    What was seen, and whether something could not be deleted, is in `seen` even then.
    """
    waiting = iter(nodes)
    bar.begin("nodes", len(nodes))

    async def work() -> None:
        for node in waiting:
            try:
                found = await _node(client, node, survey)
                seen.observations.append(found)
                if found.partial:
                    seen.problems.append(NotCounted(f"Node {node}: {found.partial}"))
            except InitshimError as error:
                seen.problems.append(error)
            bar.step(node)

    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(min(survey.at_once, len(nodes))):
                workers.create_task(work())
    finally:
        await _sweep(client, survey, seen)


async def _sweep(client: KubeClient, survey: Survey, seen: Seen) -> None:
    """Delete whatever is left of the run. A pod that even this leaves ends at its own deadline."""
    try:
        async with asyncio.timeout(_SWEEP):
            await client.delete_all(POD, survey.namespace, labels=f"{LABEL}={survey.run}")
    except (KubeError, TimeoutError):
        seen.problems.append(
            NotDeleted(
                f"The pods of this run may still be in namespace {survey.namespace}",
                next_step=f"kubectl -n {survey.namespace} delete pods -l {LABEL}={survey.run}",
            )
        )


async def _node(client: KubeClient, node: str, survey: Survey) -> Observations:
    pod = census_pod(
        node=node,
        run=survey.run,
        namespace=survey.namespace,
        image=survey.image,
        seconds=survey.seconds,
    )
    ref = Ref(POD, pod["metadata"]["name"], survey.namespace)
    try:
        await _create(client, ref, pod)
        await _ended(client, ref, node, survey)
        path = f"{ref.path}/log?limitBytes={_LARGEST_LOG}&container={quote('census')}"
        return census.parse(await client.text(f"the log of {ref}", path))
    finally:
        await _delete(client, ref)


async def _create(client: KubeClient, ref: Ref, pod: Json) -> None:
    """Create the pod.

    A namespace that was just made has no service account yet, which every pod needs, and the API
    server refuses it until the controller manager has made one.
    """
    tries = _ACCOUNT_TRIES
    while True:
        try:
            await see_through(client.create(ref, pod))
        except Forbidden as error:
            tries -= 1
            if not tries or "error looking up service account" not in str(error):
                raise
        else:
            return
        await asyncio.sleep(_POLL)


async def see_through(creating: Coroutine[object, object, object]) -> None:
    """Create something; if stopped, wait for the answer: what is on its way can't be deleted."""
    making = asyncio.ensure_future(creating)
    try:
        await asyncio.shield(making)
    except asyncio.CancelledError:
        await asyncio.wait({making}, timeout=_SWEEP)
        raise


async def _delete(client: KubeClient, ref: Ref) -> None:
    try:
        await client.delete(ref)
    except Missing:
        return
    except KubeError:
        return  # the sweep at the end tries again, and says so if it can't either


async def _ended(client: KubeClient, ref: Ref, node: str, survey: Survey) -> None:
    """Wait until the pod has ended well. Raises NotCounted where it won't."""
    try:
        async with asyncio.timeout(survey.seconds + _START):
            while True:
                pod = await client.get(ref)
                status = pod.get("status") or {}
                if status.get("phase") == "Succeeded":
                    return
                _check(status, node, survey)
                await asyncio.sleep(_POLL)
    except TimeoutError as error:
        raise NotCounted(
            f"Node {node}: the pod {ref.name} did not end in {survey.seconds + _START:g} s",
            next_step="`kubectl describe node` says whether it runs pods.",
        ) from error


def _check(status: Json, node: str, survey: Survey) -> None:
    if status.get("phase") == "Failed":
        why = status.get("message") or status.get("reason") or "it ended with an error"
        raise NotCounted(f"Node {node}: the pod failed: {why}")
    for each in status.get("containerStatuses") or ():
        waiting = (each.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in _NEVER_PULLED:
            raise NotCounted(
                f"Node {node} can't pull {survey.image} ({waiting['reason']})",
                next_step="Name an image that it can pull: --image.",
            )
