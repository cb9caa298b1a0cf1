"""What the API server knows of the containers that were looked at: pod, workload, grace. No I/O."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from webhook.cli.audit.owners import Workload, of_pod
from webhook.core.pod import Json, Pod, mapping, objects, string
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
    namespace, name = (str(pod.metadata.get(key) or "") for key in ("namespace", "name"))
    workload = of_pod(pod, namespace)
    spec, status = pod.spec, mapping(pod.raw, "status")
    grace = spec.get("terminationGracePeriodSeconds")
    wrapped = {each.name for each in pod.containers if is_wrapped(each)}
    for field in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for each in objects(status, field, "status"):
            identity = container_id(each)
            if identity and mapping(each, "state").get("running") is not None:
                container = string(each, "name")
                yield (
                    identity,
                    Running(
                        workload=makers.get(workload, workload),
                        pod=name,
                        container=container,
                        node=string(spec, "nodeName", "spec"),
                        grace=grace if isinstance(grace, int) else _DEFAULT_GRACE,
                        wrapped=container in wrapped,
                    ),
                )


def container_id(status: Json) -> str:
    """Give the id without its runtime: `containerd://8f6e…` is 8f6e…; "" where there is none."""
    _, _, identity = string(status, "containerID").rpartition("://")
    return identity
