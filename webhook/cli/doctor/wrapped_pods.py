"""The pods of selected namespaces that wait for the reaper, and what it is that they lack."""

from collections.abc import Iterator
from dataclasses import dataclass

from webhook.cli.doctor.cluster import Cluster
from webhook.cli.doctor.finding import Finding, Subject
from webhook.cli.installation.reaper_delivery import Undelivered, undelivered
from webhook.kube.client import KubeClient
from webhook.kube.errors import KubeError
from webhook.kube.objects import POD

_FAMILY = "pods"
_MOST_NAMESPACES = 50
# With `restartPolicy: Never` a pod whose init container fails is Failed at once.
_NOT_STARTED = "status.phase!=Running,status.phase!=Succeeded"


@dataclass(frozen=True, slots=True)
class WaitingPods:
    """Pods that can't start for want of the reaper, by namespace and name."""

    waiting: tuple[tuple[str, str, Undelivered], ...] = ()
    errors: tuple[KubeError, ...] = ()


async def fetch(client: KubeClient, cluster: Cluster) -> WaitingPods:
    """List the pods that have not started, or failed before, in the first selected namespaces."""
    waiting: list[tuple[str, str, Undelivered]] = []
    errors: list[KubeError] = []
    for namespace in cluster.selected[:_MOST_NAMESPACES]:
        pods = client.list(POD, namespace=namespace, fields=_NOT_STARTED)
        try:
            async for each in pods:
                found = undelivered(each)
                if found:
                    waiting.append((namespace, str(each["metadata"]["name"]), found))
        except KubeError as error:
            errors.append(error)
    return WaitingPods(tuple(waiting), tuple(errors))


def check(cluster: Cluster, fetched: WaitingPods) -> list[Finding]:
    """Say once for each cause how many pods can't start for it."""
    about = Subject(_FAMILY, "Pods of selected namespaces")
    findings = [about.unknown(error) for error in fetched.errors[:1]]
    findings += _by_cause(fetched)
    if not findings and cluster.selected:
        findings.append(about.ok("none waits for the reaper"))
    return findings


def _by_cause(fetched: WaitingPods) -> Iterator[Finding]:
    causes: dict[str, list[tuple[str, str, Undelivered]]] = {}
    for each in fetched.waiting:
        causes.setdefault(each[2].sentence, []).append(each)
    for sentence, pods in causes.items():
        namespace, name, found = pods[0]
        more = f" and {len(pods) - 1} more" if len(pods) > 1 else ""
        said = f": {found.message}" if found.message else ""
        yield Subject(_FAMILY, f"Pod {namespace}/{name}{more}").error(
            f"can't start: {sentence}{said}", found.remedy(namespace, name)
        )
