"""What an audit goes by: whom the webhook is asked about, and the settings that it plans by.

Rights: list webhook configurations and mutating admission policies; get the Service, list the
Deployments and get the ConfigMap beside it. Who lacks them audits by the defaults, and a note
says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from webhook.base.environment import environment
from webhook.cli.installation.selection import BY_LABEL, Selection
from webhook.cli.installation.settings import planning_settings
from webhook.cli.installation.survey import BY_POLICY, WEBHOOK, Installation, survey
from webhook.core.annotations import INJECT
from webhook.core.policy import ClusterRules
from webhook.kube.attempt import attempt
from webhook.kube.client import KubeClient
from webhook.kube.errors import Forbidden, KubeError
from webhook.kube.objects import CONFIG_MAP, Ref
from webhook.settings import Settings, images_in

_IMAGES = "images.yaml"
_BY_LABEL = f"Namespaces are taken by the label {INJECT}=enabled."


@dataclass(frozen=True, slots=True)
class Basis:
    """What pods are held against; `since` is when the webhook was made, in RFC 3339.

    `installed` is whether there is a webhook that new pods would go through, as far as anybody
    lets us see; `by_policy`, whether it is a policy instead (`engine: policy`). `notes` are
    sentences about what could not be known.
    """

    selection: Selection
    settings: Settings
    rules: ClusterRules
    since: str = ""
    installed: bool = True
    by_policy: bool = False
    notes: tuple[str, ...] = ()


async def read_basis(client: KubeClient, *, lookup: bool) -> Basis:
    """Read it from the cluster; `lookup` False asks no registry.

    Raises BadSettings, and KubeError, but not for a missing right.
    """
    try:
        found = await survey(client)
    except Forbidden as error:
        return _by_label(f"{error} {_BY_LABEL}", lookup=lookup)
    if found is None:
        return _by_label(
            f"No MutatingWebhookConfiguration has the webhook {WEBHOOK}, and there is no admission "
            f"policy of ours: initshim is not installed here. {_BY_LABEL}",
            lookup=lookup,
            installed=False,
        )
    lookup = lookup and not found.by_policy
    settings = planning_settings(found.values, environment(), lookup=lookup)
    rules = settings.rules()
    notes = list(_notes(found))
    if "images_file" in found.values and not settings.images_file and found.service_ref:
        where = Ref(CONFIG_MAP, found.service_ref.name, found.namespace)
        files = await attempt(client.get(where))
        if isinstance(files, KubeError):
            notes.append(f"{files} Its images file is not known here.")
        else:
            written = str((files.get("data") or {}).get(_IMAGES) or "")
            rules = replace(rules, images=images_in(written, f"{where}, {_IMAGES}"))
    return Basis(
        found.selection,
        settings,
        rules,
        found.since,
        by_policy=found.by_policy,
        notes=tuple(notes),
    )


def _by_label(note: str, *, lookup: bool, installed: bool = True) -> Basis:
    settings = planning_settings({}, environment(), lookup=lookup)
    return Basis(BY_LABEL, settings, settings.rules(), installed=installed, notes=(note,))


def _notes(found: Installation) -> Iterator[str]:
    if found.by_policy:
        yield BY_POLICY
    if isinstance(found.deployments, KubeError):
        yield f"{found.deployments} Pods are planned by the settings of this environment instead."
    elif found.deployment is None and found.service_ref:
        yield (
            f"No Deployment is behind {found.service_ref}. Pods are planned by the settings of "
            "this environment instead."
        )
    foreign = found.selection.unknown_conditions
    if foreign:
        yield (
            f"The matchConditions {', '.join(foreign)} are not the chart's and are not evaluated: "
            "a pod that they leave out counts as missed."
        )
