"""Reading images before they are asked for: gently, one after the other, and never in the way."""

from collections.abc import AsyncIterator, Awaitable, Callable

from webhook.admission.admit import Resolver
from webhook.core.errors import BadPod, InitshimError
from webhook.core.observe import Observer
from webhook.core.pod import Json, Pod
from webhook.core.policy import NeedsImage, Rules, plan
from webhook.core.workload import workloads
from webhook.kube.client import Client
from webhook.kube.objects import NAMESPACE, Kind

OPTED_IN = "initshim.dev/inject=enabled"
_MOST = 1000  # images; a start must not become a burden to any registry
_SECONDS = 10.0  # for one pod's images


# Their pods in the cluster are wrapped already; what comes next is made from these.
_KINDS = (
    Kind("Deployment", "deployments", "apps/v1"),
    Kind("StatefulSet", "statefulsets", "apps/v1"),
    Kind("DaemonSet", "daemonsets", "apps/v1"),
    Kind("CronJob", "cronjobs", "batch/v1"),
)


async def opted_in(client: Client) -> AsyncIterator[tuple[str, Json]]:
    """Give namespace and pod template of every workload where initshim is wanted."""
    async for namespace in client.list(NAMESPACE, labels=OPTED_IN):
        name = str((namespace.get("metadata") or {}).get("name", ""))
        for kind in _KINDS:
            async for item in client.list(kind, namespace=name):
                for workload in workloads({**item, "kind": kind.name}):
                    yield name, workload.pod


async def warm_up(
    pods: AsyncIterator[tuple[str, Json]],
    *,
    resolver: Resolver,
    rules: Rules,
    clock: Callable[[], float],
    sleep: Callable[[float], Awaitable[object]],
    observer: Observer,
) -> int:
    """Resolve each image once as the pod that runs it would; give how many were asked for."""
    seen: set[str] = set()
    try:
        async for namespace, raw in pods:
            images = _new(raw, rules, seen)
            if not images:
                continue
            seen |= images
            pod = Pod(raw)
            await resolver.resolve(plan(pod, rules), pod, namespace, deadline=clock() + _SECONDS)
            if len(seen) >= _MOST:
                break
            await sleep(len(images) * 0.2)
    except InitshimError as error:  # of the API server: what was not read now is read later
        observer.note("warm-up-ended-early", error=str(error), next_step=error.next_step)
    observer.note("warmed-up", images=len(seen))
    return len(seen)


def _new(raw: Json, rules: Rules, seen: set[str]) -> set[str]:
    """Give the images of a pod that have to be looked up and were not yet."""
    try:
        decisions = plan(Pod(raw), rules).decisions
        asked = {each.container.image for each in decisions if isinstance(each, NeedsImage)}
    except BadPod:
        return set()
    return asked - seen
