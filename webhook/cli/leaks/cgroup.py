"""From a cgroup's path to the container: cgroup v1 and v2, every driver and runtime. No I/O.

The kubelet names a pod's cgroup `pod<uid>` (pkg/kubelet/cm/pod_container_manager_linux.go); the
systemd driver writes the uid's dashes as underscores and puts the parents' names in front
(pkg/kubelet/cm/cgroup_manager_linux.go). What comes next is the runtime's: the container's id of 64
hexadecimal digits, with a prefix of its own.
"""

import re
from dataclasses import dataclass

_UID = r"[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32}"  # the latter: static pods
_POD = re.compile(rf"(?:^|[/-])pod({_UID})(?:\.slice)?(?=[/:]|$)")
# CRI-O's monitor may be in the pod's cgroup, with the container's id; it is no process of its.
_CONTAINER = re.compile(
    r"[/:](?!crio-conmon-)(?:[a-z][a-z0-9-]*[-:])?([0-9a-f]{64})(?:\.scope)?(?=/|$)"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A pod's uid as the API server writes it, and the container's id; "" for the pod's own."""

    pod: str
    container: str


def container_of(path: str) -> Place | None:
    """Give the pod and the container that a cgroup belongs to; None where it is no pod's.

    What is above the pod's cgroup doesn't count: a node may itself be a container, and with a
    cgroup namespace the path is relative (`/../../pod…`). Nor does what is below the container's:
    a container may run containers.
    """
    pod = _POD.search(path)
    if pod is None:
        return None
    container = _CONTAINER.match(path, pod.end())
    return Place(pod[1].replace("_", "-"), container[1] if container else "")
