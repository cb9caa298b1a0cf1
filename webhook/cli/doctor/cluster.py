"""What several of doctor's checks need to know of the cluster."""

from dataclasses import dataclass
from functools import cached_property

from webhook.cli.installation.survey import Installation, survey
from webhook.kube.attempt import Listed, attempt, attempt_list
from webhook.kube.client import KubeClient
from webhook.kube.errors import KubeError
from webhook.kube.objects import NAMESPACE, POD


@dataclass(frozen=True, kw_only=True)
class Cluster(Installation):
    """An installation and what is around it; what could not be read is the error instead."""

    version: str | KubeError
    namespaces: Listed
    pods: Listed
    """The webhook's own pods."""

    @cached_property
    def selected(self) -> tuple[str, ...]:
        """The namespaces whose pods the API server asks about, by name."""
        if isinstance(self.namespaces, KubeError):
            return ()
        return tuple(
            sorted(
                each["metadata"]["name"]
                for each in self.namespaces
                if self.selection.selects_namespace(
                    each["metadata"]["name"], each["metadata"].get("labels") or {}
                )
            )
        )


async def fetch_cluster(client: KubeClient, name: str | None) -> Cluster | None:
    """Survey the installation, and read what is around it; see `survey`."""
    found = await survey(client, name)
    if found is None:
        return None
    service = found.service if isinstance(found.service, dict) else {}
    selector = (service.get("spec") or {}).get("selector") or {}
    labels = ",".join(f"{key}={value}" for key, value in selector.items())
    return Cluster(
        configurations=found.configurations,
        service=found.service,
        deployments=found.deployments,
        policies=found.policies,
        version=await attempt(client.version()),
        namespaces=await attempt_list(client, NAMESPACE),
        pods=await attempt_list(client, POD, found.namespace, labels=labels) if labels else [],
    )
