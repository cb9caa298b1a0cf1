"""The webhook configuration: is the API server told to ask, about which pods, and by whom?"""

from collections.abc import Iterator

from webhook.cli.doctor.cluster import Cluster
from webhook.cli.doctor.finding import Finding, Subject
from webhook.cli.installation.selection import names_new_pods
from webhook.core.annotations import INJECT, OFF, ON, intended
from webhook.core.selector import selects
from webhook.kube.errors import KubeError
from webhook.kube.objects import Json

_FAMILY = "configuration"
_OWN_KEYS = {"kubernetes.io/metadata.name", INJECT, "openshift.io/run-level"}
_AKS_KEYS = {"control-plane", "kubernetes.azure.com/managedby"}
_AKS_OFF = "admissions.enforcer/disabled"
_MOST_NAMED = 5


def check(cluster: Cluster) -> list[Finding]:
    """Say what is so with the configuration itself."""
    about = Subject(_FAMILY, f"MutatingWebhookConfiguration {cluster.name}")
    return [
        *_alone(cluster, about),
        *_rules(cluster, about),
        *_selection(cluster, about),
        *_rewritten(cluster, about),
        *_narrowed(cluster, about),
        _failure(cluster, about),
        *_side_effects(cluster, about),
    ]


def _alone(cluster: Cluster, about: Subject) -> Iterator[Finding]:
    others = [str(each["metadata"]["name"]) for each in cluster.configurations[1:]]
    if others:
        yield about.warning(
            f"pods go through {len(others) + 1} of them, also {', '.join(others)}",
            f"Keep one: kubectl delete mutatingwebhookconfiguration {others[0]}",
        )


def _rules(cluster: Cluster, about: Subject) -> Iterator[Finding]:
    if not names_new_pods(cluster.webhook):
        what = "no rule of it names the creation of pods, so it is never called"
        yield about.error(what, cluster.upgrade())


def _selection(cluster: Cluster, about: Subject) -> Iterator[Finding]:
    if isinstance(cluster.namespaces, KubeError):
        yield Subject(_FAMILY, "Namespaces").unknown(cluster.namespaces)
        return
    total, chosen = len(cluster.namespaces), cluster.selected
    if not chosen:
        yield about.warning(
            f"it selects none of {total} namespaces",
            f"kubectl label namespace NAMESPACE {INJECT}=enabled",
        )
    else:
        yield about.ok(f"selects {len(chosen)} of {total} namespaces: {_some(chosen)}")
    for each in cluster.namespaces:
        name, labels = each["metadata"]["name"], each["metadata"].get("labels") or {}
        value = str(labels.get(INJECT) or "")
        here = Subject(_FAMILY, f"Namespace {name}")
        if value in ON and name not in chosen:
            yield here.warning(
                f"labelled {INJECT}={value} and not selected: {_why_not(cluster, name)}",
                f"kubectl get mutatingwebhookconfiguration {cluster.name} "
                "-o jsonpath='{.webhooks[*].namespaceSelector}'",
            )
        wish = intended(value)
        if wish:
            yield here.warning(
                f"labelled {INJECT}={value}, which says nothing: the values are {', '.join(ON)} "
                f"and {', '.join(OFF)}",
                f"kubectl label namespace {name} --overwrite {INJECT}={wish}",
            )


def _why_not(cluster: Cluster, name: str) -> str:
    if name in {cluster.namespace, "kube-system", "kube-node-lease"}:
        return "the chart leaves it out, whatever its labels"
    namespaces = cluster.namespaces if isinstance(cluster.namespaces, list) else []
    labels = next(each["metadata"] for each in namespaces if each["metadata"]["name"] == name)
    if selects(cluster.webhook.get("namespaceSelector"), labels.get("labels") or {}):
        return "a matchCondition leaves it out"
    return "the namespaceSelector leaves it out"


def _rewritten(cluster: Cluster, about: Subject) -> Iterator[Finding]:
    """Managed clusters change selectors: AKS's admissions enforcer, GKE Autopilot."""
    rules = (cluster.webhook.get("namespaceSelector") or {}).get("matchExpressions") or []
    keys = [str(rule.get("key")) for rule in rules]
    metadata = cluster.configuration["metadata"]
    switched_off = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
    if set(keys) & _AKS_KEYS and _AKS_OFF not in switched_off:
        yield about.warning(
            f"AKS's admissions enforcer rewrote its namespaceSelector{_by(metadata)}; with every "
            "upgrade of the chart the two undo each other",
            cluster.upgrade("platform=aks"),
        )
    foreign = [key for key in keys if key not in _OWN_KEYS | _AKS_KEYS]
    if foreign or len(keys) != len(set(keys)):
        more = f"also asks for {_some(foreign)}" if foreign else "names one label twice"
        yield about.info(
            f"its namespaceSelector {more}{_by(metadata)}: namespaceMatchExpressions, or a "
            "managed cluster that keeps webhooks off its own namespaces"
        )
    if INJECT not in keys:
        yield about.warning(
            f"its namespaceSelector does not ask for the label {INJECT}{_by(metadata)}",
            cluster.upgrade(),
        )


def _narrowed(cluster: Cluster, about: Subject) -> Iterator[Finding]:
    if cluster.webhook.get("objectSelector"):
        yield about.warning(
            "it has an objectSelector, so pods without those labels are passed over",
            cluster.upgrade(),
        )
    conditions = cluster.webhook.get("matchConditions") or ()
    foreign = cluster.selection.unknown_conditions
    if foreign:
        yield about.info(f"it has matchConditions that are not the chart's: {_some(foreign)}")
    elif conditions:
        yield about.ok(f"{len(conditions)} matchConditions spare calls about pods left alone")


def _failure(cluster: Cluster, about: Subject) -> Finding:
    if cluster.webhook.get("failurePolicy") == "Fail":
        replicas = ((cluster.deployment or {}).get("spec") or {}).get("replicas", 1)
        if cluster.deployment and replicas < 2:
            return about.warning(
                "failurePolicy Fail with one replica: while it restarts, no pod starts",
                cluster.upgrade("replicas=2"),
            )
        return about.ok("failurePolicy Fail: no pod starts without being asked about")
    return about.ok("failurePolicy Ignore: while it is down, pods start without an init")


def _side_effects(cluster: Cluster, about: Subject) -> Iterator[Finding]:
    if cluster.settings.events and cluster.webhook.get("sideEffects") != "NoneOnDryRun":
        yield about.warning(
            "the webhook writes Events and its configuration says sideEffects: "
            f"{cluster.webhook.get('sideEffects')}",
            cluster.upgrade("events.enabled=true"),
        )


def _by(metadata: Json) -> str:
    """Name who else wrote the selector, as the object's managed fields know it."""
    writers = {
        str(each.get("manager"))
        for each in metadata.get("managedFields") or ()
        if "f:namespaceSelector" in str(each.get("fieldsV1"))
    }
    return f" (written by {', '.join(sorted(writers))})" if writers else ""


def _some(names: tuple[str, ...] | list[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMED])
    return f"{shown} and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else shown
