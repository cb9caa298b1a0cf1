"""Which pods the API server asks the webhook about, by what the webhook configuration says."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webhook.core.annotations import INJECT, ON
from webhook.core.cel.limits import limits
from webhook.core.cel.literals import Code
from webhook.core.cel.pods import left_alone
from webhook.core.pod import Pod
from webhook.core.selector import selects
from webhook.kube.client import KubeClient
from webhook.kube.errors import Forbidden, Missing
from webhook.kube.objects import NAMESPACE, Json, Ref

# The chart's conditions that a plan decides in the same way.
PLANNED = frozenset(
    {
        *(f"not-{reason}" for reason in left_alone(Code())),
        "not-mirror",  # as older charts call it
        # With the admission policy: what it keeps from the webhook is wrapped already.
        "left-to-the-webhook",
        *(limit.name for limit in limits()),
    }
)
# What a condition of the chart says of namespaces, in CEL; those of a managed cluster.
_NOT_NAMED = re.compile(r"!request\.namespace\.startsWith\('([^']+)'\)")


# Of a rule, whatever else it names (k8s.io/apiserver, webhook/predicates/rules).
_NEW_PODS = {
    "apiGroups": {"", "*"},
    "apiVersions": {"v1", "*"},
    "operations": {"CREATE", "*"},
    "resources": {"pods", "pods/*", "*", "*/*"},
}


def names_new_pods(webhook: Json) -> bool:
    """Tell whether a rule of a webhook names the creation of pods."""
    return any(
        all(some & set(rule.get(field) or ()) for field, some in _NEW_PODS.items())
        for rule in webhook.get("rules") or ()
    )


@dataclass(frozen=True, slots=True)
class Selection:
    """Whom the webhooks of initshim in a cluster are asked about: any of them is enough."""

    webhooks: tuple[Json, ...]

    def selects_namespace(self, name: str, labels: Mapping[str, str]) -> bool:
        """Tell whether pods of a namespace are sent to any of the webhooks."""
        return any(
            selects(each.get("namespaceSelector"), labels)
            and not name.startswith(_prefixes_left_out(each))
            for each in self.webhooks
        )

    def selects_pod(self, pod: Pod) -> bool:
        """Tell whether an objectSelector lets the pod through; the chart sets none."""
        return any(selects(each.get("objectSelector"), pod.labels) for each in self.webhooks)

    @property
    def unknown_conditions(self) -> tuple[str, ...]:
        """The names of matchConditions that only the API server can evaluate."""
        conditions = (each for one in self.webhooks for each in one.get("matchConditions") or ())
        return tuple(
            sorted(
                {
                    str(each.get("name"))
                    for each in conditions
                    if each.get("name") not in PLANNED and not _prefix(each)
                }
            )
        )


BY_LABEL = Selection(
    (
        {
            "namespaceSelector": {
                "matchExpressions": [{"key": INJECT, "operator": "In", "values": list(ON)}]
            }
        },
    )
)
"""What the chart selects where nothing is changed."""


@dataclass(frozen=True, slots=True)
class OptedIn:
    """A namespace; `labelled` is when its label was last written, "" where nobody knows."""

    name: str
    labelled: str = ""


async def opted_in(
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


def _prefixes_left_out(webhook: Json) -> tuple[str, ...]:
    found = (_prefix(each) for each in webhook.get("matchConditions") or ())
    return tuple(filter(None, found))


def _prefix(condition: Json) -> str:
    """Give the prefix of the namespaces that a condition leaves out, "" where it is another."""
    said = _NOT_NAMED.fullmatch(str(condition.get("expression") or "").strip())
    return said[1] if said else ""
