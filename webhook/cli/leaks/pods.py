"""What the API server knows of the containers that were looked at: pod, workload, grace. No I/O."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from webhook.cli.audit import status
from webhook.cli.audit.owners import BETWEEN, Workload, of_pod
from webhook.core import policy
from webhook.core.errors import BadPod
from webhook.core.ours import is_wrapped
from webhook.core.pod import Json, Pod
from webhook.core.policy import ClusterRules, Skip
from webhook.kube.objects import Kind

WRAPPED = "wrapped"
_DEFAULT_GRACE = 30  # seconds: the API server's default of terminationGracePeriodSeconds


class Sees(Enum):
    """Whose processes a container's /proc shows."""

    CONTAINER = 1
    POD = 2
    NODE = 3


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
    sees: Sees = Sees.CONTAINER

    @property
    def key(self) -> tuple[str, str]:
        """Its pod's namespace and name."""
        return self.workload.namespace, self.pod


class Inventory:
    """Of a cluster's pods no more than is needed: they are many, and large as the API has them."""

    def __init__(self, rules: ClusterRules) -> None:
        """`rules`: those that pods are wrapped by."""
        self._rules = rules
        self._running: dict[str, Running] = {}
        self._outcomes: dict[tuple[Workload, str], str] = {}
        self._makers: dict[Workload, Workload] = {}
        self._between: dict[tuple[str, str], Kind] = {}
        self.unread: list[str] = []
        """The pods that could not be read, and why: a sentence each."""

    def add(self, raw: Json) -> None:
        """Note a pod's running containers, and what initshim would do to them."""
        try:
            self._note(Pod(raw))
        except BadPod as error:
            metadata = raw["metadata"]
            self.unread.append(f"pod {metadata['namespace']}/{metadata['name']}: {error}")

    def _note(self, pod: Pod) -> None:
        workload = of_pod(pod, pod.metadata.namespace or "")
        if workload.typed in BETWEEN:
            self._between[workload.typed] = BETWEEN[workload.typed]
        running = dict(_running(pod, workload))
        self._running |= running
        if any((workload, each.container) not in self._outcomes for each in running.values()):
            for name, outcome in _outcomes(pod, self._rules).items():
                self._outcomes.setdefault((workload, name), outcome)

    def between(self) -> tuple[Kind, ...]:
        """Give the kinds of controllers that others make: whose makers are to be listed."""
        return tuple(self._between.values())

    def made_by(self, makers: Mapping[Workload, Workload]) -> None:
        """Note who made ReplicaSets and Jobs."""
        self._makers |= makers

    def running(self) -> dict[str, Running]:
        """Give the running containers by their id, as it is in a cgroup's path."""
        return {
            identity: replace(each, workload=self._makers.get(each.workload, each.workload))
            for identity, each in self._running.items()
        }

    def forecasts(self) -> dict[tuple[Workload, str], str]:
        """Give what initshim would do to each workload's container: "wrapped", or a reason.

        As `audit --what-if` says it, but that no registry is asked: a container whose image has to
        be looked up is "wrapped", too.
        """
        return {
            (self._makers.get(workload, workload), name): outcome
            for (workload, name), outcome in self._outcomes.items()
        }


def _running(pod: Pod, workload: Workload) -> Iterator[tuple[str, Running]]:
    spec = pod.raw.get("spec") or {}
    grace = spec.get("terminationGracePeriodSeconds")
    wrapped = {each.name for each in pod.containers if is_wrapped(each)}
    shared = Sees.POD if spec.get("shareProcessNamespace") else Sees.CONTAINER
    sees = Sees.NODE if spec.get("hostPID") else shared
    for each in status.read(pod.raw).containers:
        container = each.name or ""
        if each.identity and each.runs:
            yield (
                each.identity,
                Running(
                    workload=workload,
                    pod=pod.metadata.name or "",
                    container=container,
                    node=str(spec.get("nodeName") or ""),
                    grace=grace if isinstance(grace, int) else _DEFAULT_GRACE,
                    wrapped=container in wrapped,
                    sees=sees,
                ),
            )


def _outcomes(pod: Pod, rules: ClusterRules) -> dict[str, str]:
    try:
        plan = policy.plan(pod, rules)
    except BadPod:
        return {}
    if plan.reason:
        return {each.name: plan.reason.value for each in pod.containers}
    return {
        each.container.name: each.reason.value if isinstance(each, Skip) else WRAPPED
        for each in plan.decisions
    }
