"""Which pods the API server asks the webhook about, read from what the cluster has.

Rights: list mutatingwebhookconfigurations and namespaces. Without the first, the chart's default
label counts, and a note says so; without the second, only a namespace that is named can be read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webhook.core.annotations import INJECT, ON
from webhook.core.pod import Pod
from webhook.core.selector import selects
from webhook.kube.client import KubeClient
from webhook.kube.errors import Forbidden, Missing
from webhook.kube.objects import MUTATING_WEBHOOK, NAMESPACE, Json, Ref

WEBHOOK = "inject.initshim.dev"
_OPTED_IN = {"key": INJECT, "operator": "In", "values": list(ON)}
_DEFAULT: Json = {"namespaceSelector": {"matchExpressions": [_OPTED_IN]}}
# Conditions of the chart that the plan decides in the same way, and those that name namespaces.
_PLANNED = {
    "not-opted-out", "not-mirror", "not-windows", "not-host-pid", "not-shared-process-namespace",
}  # fmt: skip
_SYSTEMS = {"not-gke-system": "gke-", "not-openshift-system": "openshift-"}


@dataclass(frozen=True, slots=True)
class Selection:
    """The webhooks of initshim in the cluster; `since` is when the first of them was made.

    `notes` are sentences about what could not be known.
    """

    webhooks: tuple[Json, ...]
    since: str = ""
    notes: tuple[str, ...] = ()

    def selects_namespace(self, name: str, labels: Mapping[str, str]) -> bool:
        """Tell whether pods of a namespace are sent to any of the webhooks."""
        return any(
            selects(each.get("namespaceSelector"), labels)
            and not any(name.startswith(prefix) for prefix in _left_out(each))
            for each in self.webhooks
        )

    def selects_pod(self, pod: Pod) -> bool:
        """Tell whether an objectSelector lets the pod through; the chart sets none."""
        return any(selects(each.get("objectSelector"), pod.labels) for each in self.webhooks)

    @property
    def service(self) -> tuple[str, str] | None:
        """Namespace and name of the Service that is called; the chart's Deployment has its name."""
        for each in self.webhooks:
            called = (each.get("clientConfig") or {}).get("service")
            if called:
                return str(called["namespace"]), str(called["name"])
        return None


@dataclass(frozen=True, slots=True)
class OptedIn:
    """A namespace; `labelled` is when its label was last written, "" where nobody knows."""

    name: str
    labelled: str = ""


async def read(client: KubeClient) -> Selection:
    """Find the cluster's webhooks of initshim. Raises KubeError, but not for a missing right."""
    try:
        found = [each async for each in client.list(MUTATING_WEBHOOK)]
    except Forbidden as error:
        said = str(error).rstrip(".")
        note = f"{said}. Namespaces are taken by the label {INJECT}=enabled instead."
        return Selection((_DEFAULT,), notes=(note,))
    return selection(found)


def selection(configurations: Sequence[Json]) -> Selection:
    """Take the webhooks of initshim out of all webhook configurations."""
    ours = [
        (each, webhook)
        for each in configurations
        for webhook in each.get("webhooks") or ()
        if webhook.get("name") == WEBHOOK
    ]
    if not ours:
        note = (
            f"No MutatingWebhookConfiguration has the webhook {WEBHOOK}: initshim is not "
            f"installed here. Namespaces are taken by the label {INJECT}=enabled."
        )
        return Selection((_DEFAULT,), notes=(note,))
    webhooks = tuple(webhook for _, webhook in ours)
    since = min(str(each["metadata"].get("creationTimestamp") or "") for each, _ in ours)
    return Selection(webhooks, since, tuple(_unknown_conditions(webhooks)))


async def places(
    client: KubeClient, selection: Selection, named: Sequence[str]
) -> tuple[OptedIn, ...]:
    """Give the namespaces that are opted in, or those of the named ones that are.

    Raises KubeError; Missing for a named namespace that is not there.
    """
    if named:
        found = [await _named(client, name) for name in named]
    else:
        found = [each async for each in client.list(NAMESPACE)]
    return tuple(
        OptedIn(each["metadata"]["name"], _labelled(each["metadata"]))
        for each in found
        if each.get("unread")
        or selection.selects_namespace(
            each["metadata"]["name"], each["metadata"].get("labels") or {}
        )
    )


async def _named(client: KubeClient, name: str) -> Json:
    """Read a namespace; one that nobody lets us read counts as opted in."""
    try:
        return await client.get(Ref(NAMESPACE, name))
    except Missing as error:
        error.next_step = "kubectl get namespaces"
        raise
    except Forbidden:
        return {"metadata": {"name": name}, "unread": True}


def _labelled(metadata: Mapping[str, Any]) -> str:
    """Give when the writer of our label last wrote; it may have written something else then."""
    for entry in metadata.get("managedFields") or ():
        fields = entry.get("fieldsV1") or {}
        labels = (fields.get("f:metadata") or {}).get("f:labels") or {}
        if f"f:{INJECT}" in labels:
            return str(entry.get("time") or "")
    return ""


def _left_out(webhook: Json) -> list[str]:
    names = [each.get("name") for each in webhook.get("matchConditions") or ()]
    return [prefix for name, prefix in _SYSTEMS.items() if name in names]


def _unknown_conditions(webhooks: Sequence[Json]) -> list[str]:
    names = {
        str(each.get("name"))
        for webhook in webhooks
        for each in webhook.get("matchConditions") or ()
    }
    foreign = sorted(names - _PLANNED - _SYSTEMS.keys())
    if not foreign:
        return []
    note = (
        f"The matchConditions {', '.join(foreign)} are not the chart's and are not evaluated: a "
        "pod that they leave out counts as missed."
    )
    return [note]
