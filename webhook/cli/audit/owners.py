"""Whose pods they are: from a pod's controller up to the object that a person made. No I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from webhook.core.pod import Pod
from webhook.core.schema import OwnerReference
from webhook.kube.objects import CRON_JOB, INTERMEDIATE, WORKLOADS, Json, Kind

BETWEEN: Mapping[tuple[str, str], Kind] = {(kind.version, kind.name): kind for kind in INTERMEDIATE}
"""Controllers that others make, by their apiVersion and kind."""
RESTARTED: Mapping[tuple[str, str], Kind] = {
    (kind.version, kind.name): kind for kind in WORKLOADS if kind is not CRON_JOB
}
"""Kinds that make new pods when their template changes."""
ON_SCHEDULE = (CRON_JOB.version, CRON_JOB.name)


@dataclass(frozen=True, slots=True, order=True)
class Workload:
    """The object that pods belong to; a bare pod is its own."""

    namespace: str
    kind: str
    name: str
    version: str = "v1"

    @property
    def typed(self) -> tuple[str, str]:
        """Its apiVersion and kind."""
        return self.version, self.kind

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


def of_pod(pod: Pod, namespace: str) -> Workload:
    """Give the controller that the pod names, or the pod itself."""
    return _named(pod.controller, namespace) or Workload(namespace, "Pod", pod.metadata.name or "")


def above(objects: Iterable[Json], kind: Kind) -> dict[Workload, Workload]:
    """Read who made each ReplicaSet or Job, for those that somebody made."""
    found = {}
    for each in objects:
        pod = Pod(each)  # its metadata reads alike
        namespace, name = pod.metadata.namespace or "", pod.metadata.name or ""
        maker = _named(pod.controller, namespace)
        if maker:
            found[Workload(namespace, kind.name, name, kind.version)] = maker
    return found


def _named(maker: OwnerReference, namespace: str) -> Workload | None:
    if maker.kind and maker.name and maker.api_version:
        return Workload(namespace, maker.kind, maker.name, maker.api_version)
    return None


def again(workload: Workload) -> str:
    """Say how pods come to be made anew: a command where there is one, else a sentence."""
    if workload.typed in RESTARTED:
        kind = workload.kind.lower()
        return f"kubectl -n {workload.namespace} rollout restart {kind}/{workload.name}"
    if workload.typed == ON_SCHEDULE:
        return "wait for its next run, which goes through the webhook"
    if workload.kind == "Pod":
        return "delete the pod and create it again"
    if workload.typed in BETWEEN:
        return "delete it and create it again: it makes its pods once"
    return f"restart it with the tools of {workload.kind}: kubectl rollout restart knows it not"
