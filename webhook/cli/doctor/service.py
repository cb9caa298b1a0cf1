"""What the API server calls: Service, endpoints, the Deployment's pods, and what protects them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from webhook.cli.doctor.finding import Finding, Subject
from webhook.cli.installation.survey import Installation, Seen, listed
from webhook.core.selector import selects
from webhook.kube.client import KubeClient
from webhook.kube.errors import KubeError, Missing
from webhook.kube.objects import DISRUPTION_BUDGET, ENDPOINT_SLICE, Json

_FAMILY = "service"
_LIMITS = ("maxUnavailable", "minAvailable")
_SLICES_OF = "kubernetes.io/service-name"


@dataclass(frozen=True, slots=True)
class Backends:
    """What stands behind the Service."""

    slices: Seen
    budgets: Seen


async def fetch(client: KubeClient, installed: Installation) -> Backends:
    """Ask for endpoints and disruption budgets."""
    name = installed.service_ref.name if installed.service_ref else ""
    selector = f"{_SLICES_OF}={name}"
    return Backends(
        await listed(client, ENDPOINT_SLICE, installed.namespace, labels=selector),
        await listed(client, DISRUPTION_BUDGET, installed.namespace),
    )


def check(installed: Installation, fetched: Backends) -> list[Finding]:
    """Say whether somebody is there to answer."""
    if installed.service_ref is None:
        about = Subject(_FAMILY, str(installed.client_config.get("url")))
        return [about.info("the API server calls a URL: nothing behind it can be looked at")]
    return [
        *_service(installed),
        *_endpoints(installed, fetched.slices),
        *_deployment(installed),
        *_pods(installed),
        *_budget(installed, fetched.budgets),
    ]


def _service(installed: Installation) -> Iterator[Finding]:
    about = Subject(_FAMILY, str(installed.service_ref))
    if isinstance(installed.service, Missing):
        yield about.error("it does not exist", installed.upgrade())
    elif isinstance(installed.service, KubeError):
        yield about.unknown(installed.service)
    else:
        ports = [
            each.get("port") for each in (installed.service.get("spec") or {}).get("ports") or ()
        ]
        if installed.port in ports:
            return
        yield about.error(
            f"the API server calls port {installed.port}; it has {', '.join(map(str, ports))}",
            installed.upgrade(),
        )


def _endpoints(installed: Installation, slices: Seen) -> Iterator[Finding]:
    about = Subject(_FAMILY, str(installed.service_ref))
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
        yield about.ok(f"{ready} of {ready + waiting} endpoints ready on port {installed.port}")
    elif not isinstance(installed.service, KubeError):
        yield about.error(
            f"none of {waiting} endpoints is ready: nobody answers the API server",
            f"kubectl -n {installed.namespace} describe pods -l '{_labels(installed.service)}'",
        )


def _deployment(installed: Installation) -> Iterator[Finding]:
    if isinstance(installed.deployments, KubeError):
        yield Subject(_FAMILY, f"Deployments in {installed.namespace}").unknown(
            installed.deployments
        )
        return
    if installed.deployment is None:
        yield Subject(_FAMILY, f"Deployments in {installed.namespace}").warning(
            "none of them makes the pods that the Service selects",
            f"kubectl -n {installed.namespace} get service,deployment --show-labels",
        )
        return
    name = installed.deployment["metadata"]["name"]
    about = Subject(_FAMILY, f"Deployment {installed.namespace}/{name}")
    wanted = (installed.deployment.get("spec") or {}).get("replicas", 1)
    status = installed.deployment.get("status") or {}
    ready, updated = status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
    if not ready and wanted:
        yield about.error(
            f"none of {wanted} replicas is ready",
            f"kubectl -n {installed.namespace} logs deployment/{name} --tail=20",
        )
    elif ready < wanted or updated < wanted:
        yield about.warning(
            f"{ready} of {wanted} replicas ready, {updated} up to date",
            f"kubectl -n {installed.namespace} rollout status deployment/{name}",
        )
    elif not wanted:
        yield about.error(
            "scaled to zero",
            f"kubectl -n {installed.namespace} scale deployment/{name} --replicas=2",
        )
    else:
        yield about.ok(f"{ready} of {wanted} replicas ready")


def _pods(installed: Installation) -> Iterator[Finding]:
    """Say what keeps a pod from being ready, in the kubelet's words."""
    if isinstance(installed.pods, KubeError):
        yield Subject(_FAMILY, f"Pods in {installed.namespace}").unknown(installed.pods)
        return
    for pod in installed.pods:
        name = pod["metadata"]["name"]
        for status in (pod.get("status") or {}).get("containerStatuses") or ():
            waiting = (status.get("state") or {}).get("waiting") or {}
            if waiting.get("reason") in {None, "ContainerCreating", "PodInitializing"}:
                continue
            told = " ".join(str(waiting.get("message") or "").split())[:200]
            yield Subject(_FAMILY, f"Pod {installed.namespace}/{name}").warning(
                f"{waiting['reason']}: {told}".rstrip(": "),
                f"kubectl -n {installed.namespace} logs {name} --previous",
            )


def _budget(installed: Installation, budgets: Seen) -> Iterator[Finding]:
    if isinstance(budgets, KubeError):
        yield Subject(_FAMILY, f"PodDisruptionBudgets in {installed.namespace}").unknown(budgets)
        return
    if installed.deployment is None:
        return
    template = (installed.deployment.get("spec") or {}).get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    for each in budgets:
        if selects((each.get("spec") or {}).get("selector"), labels):
            about = Subject(_FAMILY, f"PodDisruptionBudget {installed.namespace}/{_name(each)}")
            limits = {key: each["spec"][key] for key in _LIMITS if key in each["spec"]}
            said = ", ".join(f"{key} {value}" for key, value in limits.items())
            yield about.ok(f"covers the webhook's pods: {said}")
            return
    yield Subject(_FAMILY, f"PodDisruptionBudgets in {installed.namespace}").info(
        "none covers the webhook: a drain may take all its pods at once",
        installed.upgrade("podDisruptionBudget.enabled=true"),
    )


def _labels(service: Json | KubeError) -> str:
    if isinstance(service, KubeError):
        return ""
    selector: Mapping[str, Any] = (service.get("spec") or {}).get("selector") or {}
    return ",".join(f"{key}={value}" for key, value in selector.items())


def _name(found: Json) -> str:
    return str(found["metadata"]["name"])
