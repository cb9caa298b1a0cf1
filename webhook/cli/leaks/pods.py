"""What the API server knows of the containers that were looked at: pod, workload, grace. No I/O."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from webhook.cli.audit import status
from webhook.cli.audit.owners import Workload, of_pod
from webhook.core.pod import Pod
from webhook.core.policy import is_wrapped

_DEFAULT_GRACE = 30  # seconds: the API server's default of terminationGracePeriodSeconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A container that runs.

    `grace` is how many seconds its program has after SIGTERM; `wrapped`: it runs behind the reaper.
    """

    workload: Workload
    pod: str
    container: str
    node: str
    grace: int
    wrapped: bool


def running(pods: Iterable[Pod], makers: Mapping[Workload, Workload]) -> dict[str, Running]:
    """Give the running containers by their id, as it is in a cgroup's path.

    `makers` says who made a ReplicaSet or Job.
    """
    return {identity: container for pod in pods for identity, container in _of_pod(pod, makers)}


def _of_pod(pod: Pod, makers: Mapping[Workload, Workload]) -> Iterator[tuple[str, Running]]:
    workload = of_pod(pod, pod.metadata.namespace or "")
    spec = pod.raw.get("spec") or {}
    grace = spec.get("terminationGracePeriodSeconds")
    wrapped = {each.name for each in pod.containers if is_wrapped(each)}
    for each in status.read(pod.raw).containers:
        container = each.name or ""
        if each.identity and each.runs:
            running = Running(
                workload=makers.get(workload, workload),
                pod=pod.metadata.name or "",
                container=container,
                node=str(spec.get("nodeName") or ""),
                grace=grace if isinstance(grace, int) else _DEFAULT_GRACE,
                wrapped=container in wrapped,
            )
            yield each.identity, running
