"""Whether the API server wraps pods by itself: the policy is there, bound, and does its work.

With `engine: policy` that is all there is to look at. With `both`, the webhook does the work of a
policy that fails; so what is an error there is a warning here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from webhook.cli.doctor.cluster import Cluster
from webhook.cli.doctor.finding import Finding, Subject
from webhook.cli.installation import dry_run_pod
from webhook.cli.installation.selection import names_new_pods
from webhook.kube.attempt import Listed, attempt_list
from webhook.kube.client import KubeClient
from webhook.kube.errors import KubeError, Missing
from webhook.kube.objects import MUTATING_POLICY_BINDING, MUTATING_WEBHOOK, POD, Json, Ref

_FAMILY = "policy"
_LEFT_TO_IT = "left-to-the-webhook"  # the chart's condition: the webhook has a policy beside it
_PLUGIN = "MutatingAdmissionPolicy"
_COUNTED = "kubectl get --raw /metrics | grep mutating_admission_policy_check_total"
_SERVED = "kubectl api-resources --api-group=admissionregistration.k8s.io"
_WHY = (
    "the policy passes it over, an expression of it failed, or the API server has its admission "
    f"plugin {_PLUGIN} off"
)
_ALONE = "while the webhook is down, nothing is wrapped"


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """The bindings, all webhooks' configurations, and a pod; None where none was tried.

    The pod tells who wrapped it: it is one of which the webhook warns when it wraps it.
    """

    bindings: Listed
    webhooks: Listed
    created: Json | KubeError | None = None
    warnings: tuple[str, ...] = ()


def expected(cluster: Cluster) -> bool:
    """Tell whether the installation has a policy, or should have one."""
    conditions = cluster.webhook.get("matchConditions") or ()
    left = any(each.get("name") == _LEFT_TO_IT for each in conditions)
    return cluster.by_policy or left or bool(_ours(cluster))


async def fetch(client: KubeClient, cluster: Cluster, *, namespace: str) -> Rehearsed | None:
    """Read the bindings, and create a pod in a dry run; None where there is no policy to be."""
    if not expected(cluster):
        return None
    bindings = await attempt_list(client, MUTATING_POLICY_BINDING)
    webhooks: Listed = [] if cluster.by_policy else await attempt_list(client, MUTATING_WEBHOOK)
    if not _ours(cluster) or not namespace or any(cluster.unasked(namespace)):
        return Rehearsed(bindings, webhooks)
    body = dry_run_pod.for_policy(cluster.reaper_image)
    try:
        created, warnings = await client.rehearse(Ref(POD, dry_run_pod.NAME, namespace), body)
    except KubeError as error:
        return Rehearsed(bindings, webhooks, error)
    return Rehearsed(bindings, webhooks, created, warnings)


def check(cluster: Cluster, fetched: Rehearsed | None, *, namespace: str) -> list[Finding]:
    """Say whether it is there, bound, and works."""
    if fetched is None:
        return []
    if isinstance(cluster.policies, KubeError) and not isinstance(cluster.policies, Missing):
        return [Subject(_FAMILY, _PLUGIN).unknown(cluster.policies)]
    if not _ours(cluster):
        return [_absent(cluster)]
    return [
        *_there(cluster),
        *_bound(cluster, fetched),
        *_later(cluster, fetched),
        *_works(cluster, fetched, namespace),
    ]


def _ours(cluster: Cluster) -> list[Json]:
    return [] if isinstance(cluster.policies, KubeError) else cluster.policies


def _absent(cluster: Cluster) -> Finding:
    about = Subject(_FAMILY, f"{_PLUGIN} {cluster.name}")
    if isinstance(cluster.policies, Missing):
        return about.warning(
            f"the API server serves no such kind: its version, or its --runtime-config; {_ALONE}",
            _SERVED,
        )
    return about.warning(
        f"it is not there, and the webhook's condition {_LEFT_TO_IT} is; {_ALONE}",
        cluster.upgrade("engine=both"),
    )


def _there(cluster: Cluster) -> Iterator[Finding]:
    for each in _ours(cluster):
        about = Subject(_FAMILY, f"{_PLUGIN} {each['metadata']['name']}")
        spec = each["spec"]
        if cluster.by_policy:
            yield about.ok("it is there: the API server wraps by itself, without a webhook")
        else:
            yield about.ok("it is there: the API server wraps what gives a command by itself")
        if spec.get("paramKind"):
            yield about.warning(
                "it asks for parameters, and the chart's does not", cluster.upgrade()
            )
    conditions = cluster.webhook.get("matchConditions") or ()
    if not cluster.by_policy and all(each.get("name") != _LEFT_TO_IT for each in conditions):
        about = Subject(_FAMILY, f"MutatingWebhookConfiguration {cluster.name}")
        yield about.info(
            f"it has no condition {_LEFT_TO_IT}: the webhook is asked about every pod, also about "
            "those that the policy settles",
            cluster.upgrade("engine=both"),
        )


def _bound(cluster: Cluster, fetched: Rehearsed) -> Iterator[Finding]:
    about = Subject(_FAMILY, f"{_PLUGIN}Binding")
    if isinstance(fetched.bindings, KubeError):
        yield about.unknown(fetched.bindings)
        return
    for policy in _ours(cluster):
        name = policy["metadata"]["name"]
        bound = [each for each in fetched.bindings if each["spec"].get("policyName") == name]
        if not bound:
            yield _ill(
                cluster, about, f"no binding names the policy {name}, so it does nothing",
                cluster.upgrade(),
            )  # fmt: skip
            continue
        yield about.ok("the policy is bound")
        for each in bound:
            narrowed = [key for key in ("paramRef", "matchResources") if each["spec"].get(key)]
            if narrowed:
                yield Subject(_FAMILY, f"{_PLUGIN}Binding {each['metadata']['name']}").warning(
                    f"it has {' and '.join(narrowed)}, so the policy may pass pods over",
                    cluster.upgrade(),
                )


def _later(cluster: Cluster, fetched: Rehearsed) -> Iterator[Finding]:
    """Name webhooks that change pods after ours: of a settled pod ours is not asked again."""
    listed = [] if isinstance(fetched.webhooks, KubeError) else fetched.webhooks
    names = (str(each["metadata"]["name"]) for each in listed if _changes_pods(each))
    later = sorted(name for name in names if name > cluster.name)
    if later:
        yield Subject(_FAMILY, f"MutatingWebhookConfiguration {later[0]}").info(
            "it comes after initshim's: a sidecar that it adds without a command, to a pod that "
            f"the policy settled, is left alone{_too(later[1:])}",
            "Describe the sidecar's image in entrypoints, or have initshim come last:\n"
            + cluster.upgrade("fullnameOverride=zz-initshim"),
        )


def _changes_pods(configuration: Json) -> bool:
    return any(map(names_new_pods, configuration.get("webhooks") or ()))


def _too(names: list[str]) -> str:
    return f" (so with {', '.join(names)})" if names else ""


def _works(cluster: Cluster, fetched: Rehearsed, namespace: str) -> Iterator[Finding]:
    about = Subject(_FAMILY, f"dry-run Pod in {namespace}" if namespace else "dry-run Pod")
    if not namespace and isinstance(cluster.namespaces, KubeError):
        yield about.unknown(cluster.namespaces)
    elif not namespace:
        yield about.info("no namespace is selected to rehearse in")
    elif fetched.created is None:
        yield about.warning(*cluster.unasked(namespace))
    elif isinstance(fetched.created, KubeError):
        yield about.unknown(fetched.created)
    elif not dry_run_pod.is_wrapped(fetched.created):
        yield _ill(cluster, about, f"the pod came back without an init: {_WHY}", _COUNTED)
    elif dry_run_pod.is_warned_of(fetched.warnings):
        yield about.warning(
            f"the webhook had to wrap what the policy should have: {_WHY}; {_ALONE}", _COUNTED
        )
    else:
        yield about.ok("the API server wrapped the pod by itself")


def _ill(cluster: Cluster, about: Subject, what: str, remedy: str) -> Finding:
    """An error where nothing else wraps."""
    return (about.error if cluster.by_policy else about.warning)(what, remedy)
