"""What several of doctor's checks need to know of the cluster."""

from dataclasses import dataclass
from functools import cached_property
from itertools import filterfalse

from webhook.cli.installation.survey import Installation, survey
from webhook.core.annotations import INJECT
from webhook.kube.attempt import Listed, attempt, attempt_list
from webhook.kube.client import KubeClient
from webhook.kube.errors import KubeError
from webhook.kube.objects import NAMESPACE, POD, Json

_ANOTHER = "initshim doctor --namespace NAME"


@dataclass(frozen=True, kw_only=True)
class Cluster(Installation):
    """An installation and what is around it; what could not be read is the error instead."""

    version: str | KubeError
    namespaces: Listed
    """Without those that are being deleted: the API server takes no pod into one."""
    leaving: frozenset[str]
    """Those, by name."""
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

    def unasked(self, namespace: str) -> tuple[str, str]:
        """Say why the API server asks about no pod of a namespace, and what to do; "" if it does.

        Where namespaces can't be listed, that is not known, and nothing is said.
        """
        if isinstance(self.namespaces, KubeError) or namespace in self.selected:
            return "", ""
        if namespace in self.leaving:
            return "the namespace is being deleted, so it takes no pod", _ANOTHER
        if all(each["metadata"]["name"] != namespace for each in self.namespaces):
            return "there is no such namespace", f"kubectl get namespaces\n{_ANOTHER}"
        return (
            "the namespace is not selected, so no pod in it is wrapped",
            f"kubectl label namespace {namespace} {INJECT}=enabled",
        )


async def fetch_cluster(client: KubeClient, name: str | None) -> Cluster | None:
    """Survey the installation, and read what is around it; see `survey`."""
    found = await survey(client, name)
    if found is None:
        return None
    service = found.service if isinstance(found.service, dict) else {}
    selector = (service.get("spec") or {}).get("selector") or {}
    labels = ",".join(f"{key}={value}" for key, value in selector.items())
    namespaces = await attempt_list(client, NAMESPACE)
    leaving: list[Json] = []
    if not isinstance(namespaces, KubeError):
        leaving = list(filter(_is_leaving, namespaces))
        namespaces = list(filterfalse(_is_leaving, namespaces))
    return Cluster(
        configurations=found.configurations,
        service=found.service,
        deployments=found.deployments,
        policies=found.policies,
        version=await attempt(client.version()),
        namespaces=namespaces,
        leaving=frozenset(each["metadata"]["name"] for each in leaving),
        pods=await attempt_list(client, POD, found.namespace, labels=labels) if labels else [],
    )


def _is_leaving(namespace: Json) -> bool:
    return bool(namespace["metadata"].get("deletionTimestamp"))
