"""What initshim would do to each container, as `audit --what-if` says it; no registry is asked."""

from collections.abc import Callable, Iterable, Mapping

from webhook.cli.audit.owners import Workload, of_pod
from webhook.cli.leaks.advice import WRAPPED
from webhook.core import policy
from webhook.core.errors import BadPod
from webhook.core.pod import Pod
from webhook.core.policy import ClusterRules, Skip


def forecast(
    pods: Iterable[Pod], makers: Mapping[Workload, Workload], rules: ClusterRules
) -> Callable[[Workload, str], str]:
    """Plan every pod by these rules; give what answers for a workload's container.

    "wrapped" stands for a container whose image has to be asked for, too.
    """
    known: dict[tuple[Workload, str], str] = {}
    for pod in pods:
        workload = of_pod(pod, pod.metadata.namespace or "")
        for name, outcome in _outcomes(pod, rules).items():
            known.setdefault((makers.get(workload, workload), name), outcome)
    return lambda workload, container: known.get((workload, container), WRAPPED)


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
