"""After a start: look up what the workloads of the webhook's namespaces run, before a pod asks.

Gently: one workload at a time, a pause after each that cost a lookup, and an end to it all.
Rights: list namespaces, deployments, statefulsets, daemonsets and cronjobs. A Job's pods have been
here already.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

from webhook.admission.admit import Engine
from webhook.core import policy
from webhook.core.log_events import LogEvent
from webhook.core.pod import Pod
from webhook.core.pod_templates import pod_templates
from webhook.core.policy import NeedsImage, Skip
from webhook.core.reasons import UNRESOLVED
from webhook.kube.client import KubeClient
from webhook.kube.errors import KubeError
from webhook.kube.objects import NAMESPACE, WORKLOADS


@dataclass(frozen=True, slots=True)
class Pace:
    """How gently, in seconds: longest wait for one workload, pause after it, longest in all."""

    lookup: float
    pause: float = 0.2
    longest: float = 600.0


@dataclass(slots=True)
class Counts:
    """What was done; images are counted once for each container that runs them."""

    namespaces: int = 0
    workloads: int = 0
    images: int = 0
    unresolved: int = 0


async def warm_up(
    client: KubeClient,
    engine: Engine,
    *,
    namespaces: str,
    pace: Pace,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Fill the engine's cache, and note how far that went; raises nothing.

    `namespaces` is a label selector. A workload is planned as its pods will be.
    """
    counts = Counts()
    problem: dict[str, object] = {}
    try:
        async with asyncio.timeout(pace.longest):
            names = [
                each["metadata"]["name"] async for each in client.list(NAMESPACE, labels=namespaces)
            ]
            for name in names:
                counts.namespaces += 1
                for pod in await _templates(client, name):
                    counts.workloads += 1
                    if await _resolve(pod, name, engine, counts, seconds=pace.lookup):
                        await sleep(pace.pause)
    except TimeoutError:
        problem = {"error": f"not done in {pace.longest:g} s"}
    except KubeError as error:
        problem = {"error": str(error), "next_step": error.next_step}
    except Exception as error:  # noqa: BLE001  # the webhook serves without this as well
        problem = {"exception": error}
    engine.observer.note(LogEvent.WARM_UP_ENDED, **asdict(counts), **problem)


async def _templates(client: KubeClient, namespace: str) -> list[Pod]:
    """Give a namespace's pod templates, read before they are used: a list's next page expires."""
    return [
        Pod(workload.pod)
        for kind in WORKLOADS
        async for each in client.list(kind, namespace=namespace)
        for workload in pod_templates({**each, "kind": kind.name})  # items of a list don't say it
    ]


async def _resolve(
    pod: Pod, namespace: str, engine: Engine, counts: Counts, *, seconds: float
) -> bool:
    """Resolve what has to be looked up; give whether that was anything."""
    plan = policy.plan(pod, engine.rules)
    asked = sum(isinstance(each, NeedsImage) for each in plan.decisions)
    if not asked:
        return False
    counts.images += asked
    deadline = asyncio.get_running_loop().time() + seconds
    before = _unresolved(plan)
    plan = await engine.resolver.resolve(plan, pod, namespace, deadline=deadline)
    counts.unresolved += _unresolved(plan) - before
    return True


def _unresolved(plan: policy.Plan) -> int:
    return sum(isinstance(each, Skip) and each.reason in UNRESOLVED for each in plan.decisions)
