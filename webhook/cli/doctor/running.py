"""What the API server calls: Service, endpoints, the Deployment's pods, and what protects them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from webhook.cli.doctor.finding import Finding, Subject
from webhook.cli.doctor.site import Seen, Site, listed
from webhook.core.selector import selects
from webhook.kube.client import Client
from webhook.kube.errors import KubeError, Missing
from webhook.kube.objects import DISRUPTION_BUDGET, ENDPOINT_SLICE, Json

_FAMILY = "service"
_LIMITS = ("maxUnavailable", "minAvailable")
_SLICES_OF = "kubernetes.io/service-name"


@dataclass(frozen=True, slots=True)
class Facts:
    """What stands behind the Service."""

    slices: Seen
    budgets: Seen


async def look(client: Client, site: Site) -> Facts:
    """Ask for endpoints and disruption budgets."""
    name = site.service_ref.name if site.service_ref else ""
    selector = f"{_SLICES_OF}={name}"
    return Facts(
        await listed(client, ENDPOINT_SLICE, site.namespace, labels=selector),
        await listed(client, DISRUPTION_BUDGET, site.namespace),
    )


def judge(site: Site, facts: Facts) -> list[Finding]:
    """Say whether somebody is there to answer."""
    if site.service_ref is None:
        about = Subject(_FAMILY, str(site.client_config.get("url")))
        return [about.info("the API server calls a URL: nothing behind it can be looked at")]
    return [
        *_service(site),
        *_endpoints(site, facts.slices),
        *_deployment(site),
        *_pods(site),
        *_budget(site, facts.budgets),
    ]


def _service(site: Site) -> Iterator[Finding]:
    about = Subject(_FAMILY, str(site.service_ref))
    if isinstance(site.service, Missing):
        yield about.error("it does not exist", site.upgrade())
    elif isinstance(site.service, KubeError):
        yield about.unlooked(site.service)
    else:
        ports = [each.get("port") for each in (site.service.get("spec") or {}).get("ports") or ()]
        if site.port in ports:
            return
        yield about.error(
            f"the API server calls port {site.port}; it has {', '.join(map(str, ports))}",
            site.upgrade(),
        )


def _endpoints(site: Site, slices: Seen) -> Iterator[Finding]:
    about = Subject(_FAMILY, str(site.service_ref))
    if isinstance(slices, KubeError):
        yield about.unlooked(slices)
        return
    ready, waiting = 0, 0
    for each in slices:
        for endpoint in each.get("endpoints") or ():
            # An absent condition means ready (discovery.k8s.io/v1, EndpointConditions).
            good = (endpoint.get("conditions") or {}).get("ready") is not False
            ready, waiting = ready + good, waiting + (not good)
    if ready:
        yield about.ok(f"{ready} of {ready + waiting} endpoints ready on port {site.port}")
    elif not isinstance(site.service, KubeError):
        yield about.error(
            f"none of {waiting} endpoints is ready: nobody answers the API server",
            f"kubectl -n {site.namespace} describe pods -l '{_labels(site.service)}'",
        )


def _deployment(site: Site) -> Iterator[Finding]:
    if isinstance(site.deployments, KubeError):
        yield Subject(_FAMILY, f"Deployments in {site.namespace}").unlooked(site.deployments)
        return
    if site.deployment is None:
        yield Subject(_FAMILY, f"Deployments in {site.namespace}").warning(
            "none of them makes the pods that the Service selects",
            f"kubectl -n {site.namespace} get service,deployment --show-labels",
        )
        return
    name = site.deployment["metadata"]["name"]
    about = Subject(_FAMILY, f"Deployment {site.namespace}/{name}")
    wanted = (site.deployment.get("spec") or {}).get("replicas", 1)
    status = site.deployment.get("status") or {}
    ready, updated = status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
    if not ready and wanted:
        yield about.error(
            f"none of {wanted} replicas is ready",
            f"kubectl -n {site.namespace} logs deployment/{name} --tail=20",
        )
    elif ready < wanted or updated < wanted:
        yield about.warning(
            f"{ready} of {wanted} replicas ready, {updated} up to date",
            f"kubectl -n {site.namespace} rollout status deployment/{name}",
        )
    elif not wanted:
        yield about.error(
            "scaled to zero", f"kubectl -n {site.namespace} scale deployment/{name} --replicas=2"
        )
    else:
        yield about.ok(f"{ready} of {wanted} replicas ready")


def _pods(site: Site) -> Iterator[Finding]:
    """Say what keeps a pod from being ready, in the kubelet's words."""
    if isinstance(site.pods, KubeError):
        yield Subject(_FAMILY, f"Pods in {site.namespace}").unlooked(site.pods)
        return
    for pod in site.pods:
        name = pod["metadata"]["name"]
        for status in (pod.get("status") or {}).get("containerStatuses") or ():
            waiting = (status.get("state") or {}).get("waiting") or {}
            if waiting.get("reason") in {None, "ContainerCreating", "PodInitializing"}:
                continue
            told = " ".join(str(waiting.get("message") or "").split())[:200]
            yield Subject(_FAMILY, f"Pod {site.namespace}/{name}").warning(
                f"{waiting['reason']}: {told}".rstrip(": "),
                f"kubectl -n {site.namespace} logs {name} --previous",
            )


def _budget(site: Site, budgets: Seen) -> Iterator[Finding]:
    if isinstance(budgets, KubeError):
        yield Subject(_FAMILY, f"PodDisruptionBudgets in {site.namespace}").unlooked(budgets)
        return
    if site.deployment is None:
        return
    template = (site.deployment.get("spec") or {}).get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    for each in budgets:
        if selects((each.get("spec") or {}).get("selector"), labels):
            about = Subject(_FAMILY, f"PodDisruptionBudget {site.namespace}/{_name(each)}")
            limits = {key: each["spec"][key] for key in _LIMITS if key in each["spec"]}
            said = ", ".join(f"{key} {value}" for key, value in limits.items())
            yield about.ok(f"covers the webhook's pods: {said}")
            return
    yield Subject(_FAMILY, f"PodDisruptionBudgets in {site.namespace}").info(
        "none covers the webhook: a drain may take all its pods at once",
        site.upgrade("podDisruptionBudget.enabled=true"),
    )


def _labels(service: Json | KubeError) -> str:
    if isinstance(service, KubeError):
        return ""
    selector: Mapping[str, Any] = (service.get("spec") or {}).get("selector") or {}
    return ",".join(f"{key}={value}" for key, value in selector.items())


def _name(found: Json) -> str:
    return str(found["metadata"]["name"])
