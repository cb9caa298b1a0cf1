"""A pod that runs, where the user allows one: can a node pull the reaper's image and start it?

The rehearsal's pod is never scheduled, so that in an air gap all is well until the first namespace
is labelled. This one is the reaper's image itself, brought as injected pods get it, printing its
version. Rights: create, get and delete pods in the namespace.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from webhook.cli.doctor.cluster import Cluster
from webhook.cli.doctor.finding import Finding, Subject
from webhook.cli.installation import dry_run_pod
from webhook.cli.installation.reaper_delivery import undelivered
from webhook.core.annotations import INJECT
from webhook.core.argv import INIT
from webhook.core.image_volumes import Node, possible
from webhook.core.mutation import READ_ONLY_MOUNT, Delivery, our_init_container, our_volume
from webhook.kube.client import KubeClient
from webhook.kube.errors import ApiUnreachable, KubeError, Missing
from webhook.kube.objects import POD, Json, Ref

_FAMILY = "trial"
_LOOK_SECONDS = 0.5
_ENOUGH = 3  # times in a row that an image can't be pulled: a registry may stutter
_VERSION = [INIT, "--version"]


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of the pod: its last state as the API server had it, or why there is none."""

    ref: Ref
    pod: Json | KubeError
    left: KubeError | None = None
    """Why it could not be deleted again."""


def as_volume(cluster: Cluster, nodes: tuple[Node, ...]) -> bool:
    """Tell how injected pods get the reaper, as the webhook would decide it, or the policy has."""
    if cluster.brought:
        return cluster.brought.as_volume
    chosen = cluster.settings.delivery
    version = "" if isinstance(cluster.version, KubeError) else cluster.version
    return chosen == "imageVolume" or (chosen == "auto" and possible(version, nodes))


def body(image: str, *, volume: bool) -> Json:
    """Give the pod: every namespace lets it in, and nothing of it outlasts a second."""
    delivery = Delivery(image, "trial", as_volume=volume)
    made = dry_run_pod.pod(image)
    spec = made["spec"]
    [container] = spec["containers"]
    container |= {"command": list(_VERSION), "volumeMounts": [dict(READ_ONLY_MOUNT)]}
    spec["volumes"] = [our_volume(delivery)]
    if not volume:
        resources = {"resources": container["resources"]}  # for quotas that want them
        spec["initContainers"] = [our_init_container(delivery) | resources]
    return made


async def fetch(
    client: KubeClient,
    cluster: Cluster,
    *,
    namespace: str,
    volume: bool,
    seconds: float,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Trial:
    """Make the pod, watch it for so long, and delete it whatever happens."""
    ref = Ref(POD, f"{dry_run_pod.NAME}-{secrets.token_hex(3)}", namespace)
    # What it is about is the delivery: the webhook need not look at it.
    metadata = {**ref.stub["metadata"], "labels": {INJECT: "false"}}
    made = {**body(cluster.reaper_image, volume=volume), "metadata": metadata}
    try:
        found = await client.create(ref, made)
    except ApiUnreachable as error:  # it may have been made all the same
        return Trial(ref, error, await _deleted(client, ref))
    except KubeError as error:
        return Trial(ref, error)
    return Trial(ref, *await _watched(client, ref, found, seconds=seconds, sleep=sleep))


async def _watched(
    client: KubeClient,
    ref: Ref,
    found: Json | KubeError,
    *,
    seconds: float,
    sleep: Callable[[float], Awaitable[None]],
) -> tuple[Json | KubeError, KubeError | None]:
    """Give its last state, and why it stays, if it does."""
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for state in _states(client, ref, sleep):
                    found = state
    except KubeError as error:
        found = error
    finally:
        left = await _deleted(client, ref)
    return found, left


async def _deleted(client: KubeClient, ref: Ref) -> KubeError | None:
    """Delete it, or give what keeps it."""
    try:
        await client.delete(ref)
    except Missing:
        return None
    except KubeError as error:
        return error
    return None


async def _states(
    client: KubeClient, ref: Ref, sleep: Callable[[float], Awaitable[None]]
) -> AsyncIterator[Json]:
    """Give the pod again and again, until it has ended or waits in vain."""
    in_vain = 0
    while True:
        pod = await client.get(ref)
        yield pod
        in_vain = in_vain + 1 if _obstacle(pod) else 0
        if _ended(pod) is not None or in_vain >= _ENOUGH:
            return
        await sleep(_LOOK_SECONDS)


def check(trial: Trial) -> list[Finding]:
    """Say whether the reaper came and ran."""
    about = Subject(_FAMILY, f"{trial.ref}")
    return [*_of(about, trial), *_left(about, trial)]


def _of(about: Subject, trial: Trial) -> Iterator[Finding]:
    pod, ref = trial.pod, trial.ref
    if isinstance(pod, KubeError):
        yield about.unknown(pod)
        return
    node = (pod.get("spec") or {}).get("nodeName") or ""
    code, events = _ended(pod), f"kubectl -n {ref.namespace} get events --field-selector "
    events += f"involvedObject.name={ref.name}"
    if code == 0:
        yield about.ok(f"node {node} pulled the reaper's image, and the reaper ran")
    elif code is not None:
        yield about.error(f"on node {node} the reaper ended with {code}: it did not run", events)
    elif said := _obstacle(pod):
        yield about.error(f"on node {node} {said}: injected pods would not start", events)
    elif not node:
        yield about.warning("no node took the pod in time", events)
    else:
        yield about.warning(f"on node {node} it had not ended in time", events)


def _left(about: Subject, trial: Trial) -> Iterator[Finding]:
    if trial.left:
        yield about.warning(
            f"it could not be deleted: {trial.left}",
            f"kubectl -n {trial.ref.namespace} delete pod {trial.ref.name}",
        )


def _statuses(pod: Json, key: str) -> list[Json]:
    return list((pod.get("status") or {}).get(key) or ())


def _ended(pod: Json) -> int | None:
    """Give the exit code of what has ended for good."""
    for each in _statuses(pod, "initContainerStatuses") + _statuses(pod, "containerStatuses"):
        over = (each.get("state") or {}).get("terminated")
        if over and (each.get("name") == "probe" or over.get("exitCode")):
            return int(over.get("exitCode") or 0)
    return None


def _obstacle(pod: Json) -> str:
    """Say what keeps the reaper from the pod, as audit says it of others."""
    found = undelivered(pod)
    if found:
        return found.sentence
    for each in _statuses(pod, "containerStatuses"):
        waiting = (each.get("state") or {}).get("waiting") or {}
        reason = str(waiting.get("reason") or "")
        if reason not in {"", "ContainerCreating", "PodInitializing"}:
            return f"its container can't start ({reason})"
    return ""
