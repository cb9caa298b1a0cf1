"""Whether the API server wraps pods by itself: the policy is there, bound, and does its work.

With `engine: policy` that is all there is to look at.
"""

from webhook.cli.doctor.cluster import Cluster
from webhook.cli.doctor.finding import Finding, Subject
from webhook.cli.installation import dry_run_pod
from webhook.kube.attempt import Listed, attempt_list
from webhook.kube.client import KubeClient
from webhook.kube.errors import KubeError
from webhook.kube.objects import MUTATING_POLICY_BINDING, POD, Ref

_FAMILY = "policy"


async def diagnose(client: KubeClient, cluster: Cluster, *, namespace: str) -> list[Finding]:
    """Look at all of it; `namespace` is where a pod is created in a dry run."""
    bindings = await attempt_list(client, MUTATING_POLICY_BINDING)
    about = Subject(_FAMILY, f"MutatingAdmissionPolicy {cluster.name}")
    found = [about.ok("it is there: the API server wraps by itself, without a webhook")]
    found.append(_bound(cluster, bindings))
    found.append(await _rehearsed(client, cluster, namespace))
    return found


def _bound(cluster: Cluster, bindings: Listed) -> Finding:
    about = Subject(_FAMILY, "MutatingAdmissionPolicyBinding")
    if isinstance(bindings, KubeError):
        return about.unknown(bindings)
    names = [each["spec"].get("policyName") for each in bindings]
    if cluster.name in names:
        return about.ok("the policy is bound")
    return about.error(
        f"no binding names the policy {cluster.name}, so it does nothing", cluster.upgrade()
    )


async def _rehearsed(client: KubeClient, cluster: Cluster, namespace: str) -> Finding:
    if not namespace:
        about = Subject(_FAMILY, "dry-run Pod")
        return about.info("no namespace is selected to rehearse in")
    about = Subject(_FAMILY, f"dry-run Pod in {namespace}")
    body = dry_run_pod.pod(cluster.reaper_image)
    try:
        created, _ = await client.rehearse(Ref(POD, dry_run_pod.NAME, namespace), body)
    except KubeError as error:
        return about.unknown(error)
    if dry_run_pod.is_wrapped(created):
        return about.ok("the API server wrapped the pod by itself")
    return about.error(
        "the pod came back without an init: the namespace is not selected, an expression failed, "
        "or the API server has its admission plugin MutatingAdmissionPolicy off",
        "kubectl get --raw /metrics | grep mutating_admission_policy_check_total",
    )
