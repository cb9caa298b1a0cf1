"""What the API server calls: Service, endpoints, the Deployment's pods, and what protects them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from webhook.cli.doctor.causes import Topic
from webhook.cli.doctor.cluster import Cluster
from webhook.cli.doctor.finding import Finding, Subject
from webhook.core.errors import BadSettings
from webhook.core.selector import selects
from webhook.kube.attempt import Listed, attempt_list
from webhook.kube.client import KubeClient
from webhook.kube.errors import KubeError, Missing
from webhook.kube.objects import DISRUPTION_BUDGET, ENDPOINT_SLICE, Json
from webhook.settings import given

_FAMILY = "service"
_LIMITS = ("maxUnavailable", "minAvailable")
_SLICES_OF = "kubernetes.io/service-name"


@dataclass(frozen=True, slots=True)
class Backends:
    """What stands behind the Service."""

    slices: Listed
    budgets: Listed


async def fetch(client: KubeClient, cluster: Cluster) -> Backends:
    """Ask for endpoints and disruption budgets."""
    name = cluster.service_ref.name if cluster.service_ref else ""
    selector = f"{_SLICES_OF}={name}"
    return Backends(
        await attempt_list(client, ENDPOINT_SLICE, cluster.namespace, labels=selector),
        await attempt_list(client, DISRUPTION_BUDGET, cluster.namespace),
    )


def check(cluster: Cluster, fetched: Backends) -> list[Finding]:
    """Say whether somebody is there to answer."""
    if cluster.service_ref is None:
        about = Subject(_FAMILY, str(cluster.client_config.get("url")))
        return [about.info("the API server calls a URL: nothing behind it can be looked at")]
    return [
        *_service(cluster),
        *_endpoints(cluster, fetched.slices),
        *_deployment(cluster),
        *_settings(cluster),
        *_pods(cluster),
        *_budget(cluster, fetched.budgets),
    ]


def _service(cluster: Cluster) -> Iterator[Finding]:
    about = Subject(_FAMILY, str(cluster.service_ref))
    if isinstance(cluster.service, Missing):
        yield about.error("it does not exist", cluster.upgrade(), Topic.SERVICE)
    elif isinstance(cluster.service, KubeError):
        yield about.unknown(cluster.service)
    else:
        ports = [
            each.get("port") for each in (cluster.service.get("spec") or {}).get("ports") or ()
        ]
        if cluster.port in ports:
            return
        yield about.error(
            f"the API server calls port {cluster.port}; it has {', '.join(map(str, ports))}",
            cluster.upgrade(),
            Topic.SERVICE,
        )


def _endpoints(cluster: Cluster, slices: Listed) -> Iterator[Finding]:
    about = Subject(_FAMILY, str(cluster.service_ref))
    if isinstance(slices, KubeError):
        yield about.unknown(slices)
        return
    ready, waiting = 0, 0
    for each in slices:
        for endpoint in each.get("endpoints") or ():
            # An absent condition means ready (discovery.k8s.io/v1, EndpointConditions).
            good = (endpoint.get("conditions") or {}).get("ready") is not False
            ready, waiting = ready + good, waiting + (not good)
    if ready:
        yield about.ok(f"{ready} of {ready + waiting} endpoints ready on port {cluster.port}")
    elif not isinstance(cluster.service, Missing):
        labels = _labels(cluster.service)
        which = f" -l '{labels}'" if labels else ""
        yield about.error(
            f"none of {waiting} endpoints is ready: nobody answers the API server",
            f"kubectl -n {cluster.namespace} describe pods{which}",
            Topic.ENDPOINTS,
        )


def _deployment(cluster: Cluster) -> Iterator[Finding]:
    if isinstance(cluster.deployments, KubeError):
        yield Subject(_FAMILY, f"Deployments in {cluster.namespace}").unknown(cluster.deployments)
        return
    if cluster.deployment is None:
        yield Subject(_FAMILY, f"Deployments in {cluster.namespace}").warning(
            "none of them makes the pods that the Service selects",
            f"kubectl -n {cluster.namespace} get service,deployment --show-labels",
        )
        return
    name = cluster.deployment["metadata"]["name"]
    about = Subject(_FAMILY, f"Deployment {cluster.namespace}/{name}")
    wanted = (cluster.deployment.get("spec") or {}).get("replicas", 1)
    status = cluster.deployment.get("status") or {}
    ready, updated = status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
    if not ready and wanted:
        yield about.error(
            f"none of {wanted} replicas is ready",
            f"kubectl -n {cluster.namespace} logs deployment/{name} --tail=20",
            Topic.DEPLOYMENT,
        )
    elif ready < wanted or updated < wanted:
        yield about.warning(
            f"{ready} of {wanted} replicas ready, {updated} up to date",
            f"kubectl -n {cluster.namespace} rollout status deployment/{name}",
        )
    elif not wanted:
        yield about.error(
            "scaled to zero",
            f"kubectl -n {cluster.namespace} scale deployment/{name} --replicas=2",
            Topic.DEPLOYMENT,
        )
    else:
        yield about.ok(f"{ready} of {wanted} replicas ready")


def _settings(cluster: Cluster) -> Iterator[Finding]:
    """Read its settings as it reads them itself: what it would refuse keeps it from starting."""
    try:
        given(cluster.values)
    except BadSettings as error:
        about = Subject(_FAMILY, f"{cluster.workload}'s settings")
        yield about.error(f"{error}", cluster.upgrade("env.NAME=VALUE"), Topic.SETTINGS)


def _pods(cluster: Cluster) -> Iterator[Finding]:
    """Say what keeps a pod from being ready, in the kubelet's words."""
    if isinstance(cluster.pods, KubeError):
        yield Subject(_FAMILY, f"Pods in {cluster.namespace}").unknown(cluster.pods)
        return
    for pod in cluster.pods:
        name = pod["metadata"]["name"]
        for status in (pod.get("status") or {}).get("containerStatuses") or ():
            waiting = (status.get("state") or {}).get("waiting") or {}
            if waiting.get("reason") in {None, "ContainerCreating", "PodInitializing"}:
                continue
            message = " ".join(str(waiting.get("message") or "").split())[:200]
            yield Subject(_FAMILY, f"Pod {cluster.namespace}/{name}").warning(
                f"{waiting['reason']}: {message}".rstrip(": "),
                f"kubectl -n {cluster.namespace} logs {name} --previous",
            )


def _budget(cluster: Cluster, budgets: Listed) -> Iterator[Finding]:
    if isinstance(budgets, KubeError):
        yield Subject(_FAMILY, f"PodDisruptionBudgets in {cluster.namespace}").unknown(budgets)
        return
    if cluster.deployment is None:
        return
    template = (cluster.deployment.get("spec") or {}).get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    for each in budgets:
        selector = (each.get("spec") or {}).get("selector")
        if selector is not None and selects(selector, labels):  # policy/v1: without one, no pod
            about = Subject(_FAMILY, f"PodDisruptionBudget {cluster.namespace}/{_name(each)}")
            limits = {key: each["spec"][key] for key in _LIMITS if key in each["spec"]}
            said = ", ".join(f"{key} {value}" for key, value in limits.items())
            yield about.ok(f"covers the webhook's pods: {said}")
            return
    yield Subject(_FAMILY, f"PodDisruptionBudgets in {cluster.namespace}").info(
        "none covers the webhook: a drain may take all its pods at once",
        cluster.upgrade("podDisruptionBudget.enabled=true"),
    )


def _labels(service: Json | KubeError) -> str:
    if isinstance(service, KubeError):
        return ""
    selector: Mapping[str, Any] = (service.get("spec") or {}).get("selector") or {}
    return ",".join(f"{key}={value}" for key, value in selector.items())


def _name(found: Json) -> str:
    return str(found["metadata"]["name"])
