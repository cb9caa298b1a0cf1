"""Versions that should go together: command line, webhook, reaper, Kubernetes."""

from collections.abc import Iterator

from webhook.cli.doctor.cluster import Cluster
from webhook.cli.doctor.finding import Finding, Subject
from webhook.core import image
from webhook.core.errors import BadReference
from webhook.core.image_volumes import KUBERNETES, number
from webhook.kube.errors import KubeError

_FAMILY = "versions"
_OLDEST = (1, 27)
_CONDITIONS = (1, 28)
_LABEL = "app.kubernetes.io/version"


def check(cluster: Cluster, *, own: str, wrote: str) -> list[Finding]:
    """Compare them; `own` is the command line's, `wrote` what the webhook wrote in a rehearsal."""
    return [*_kubernetes(cluster), *_webhook(cluster, own, wrote), *_reaper(cluster)]


def _kubernetes(cluster: Cluster) -> Iterator[Finding]:
    about = Subject(_FAMILY, "Kubernetes")
    if isinstance(cluster.version, KubeError):
        yield about.unknown(cluster.version)
        return
    minor = number(cluster.version)
    if minor is None:
        yield about.info(f"its version can't be read: {cluster.version}")
    elif minor < _OLDEST:
        yield about.error(f"{cluster.version} is older than 1.27", "Upgrade the cluster.")
    elif cluster.settings.delivery == "imageVolume" and minor < KUBERNETES:
        yield about.error(
            f"{cluster.version} has no image volumes by default (1.35 has): injected pods "
            "can't start",
            cluster.upgrade("delivery=initContainer"),
        )
    elif minor >= _CONDITIONS and not cluster.webhook.get("matchConditions"):
        yield about.info(
            f"{cluster.version} knows matchConditions, and the configuration has none: it was "
            "rendered for an older one",
            cluster.upgrade(),
        )
    else:
        yield about.ok(f"{cluster.version}")


def _webhook(cluster: Cluster, own: str, wrote: str) -> Iterator[Finding]:
    if cluster.deployment is None:
        return
    name = cluster.deployment["metadata"]["name"]
    about = Subject(_FAMILY, f"Deployment {cluster.namespace}/{name}")
    labelled = (cluster.deployment["metadata"].get("labels") or {}).get(_LABEL, "")
    deployed = wrote or labelled or _tag(str(cluster.container.get("image") or ""))
    images = {
        each["image"]
        for pod in (() if isinstance(cluster.pods, KubeError) else cluster.pods)
        for each in (pod.get("spec") or {}).get("containers") or ()
        if each.get("name") == cluster.container.get("name")
    }
    if len(images) > 1:
        yield about.warning(
            f"its pods run different images: {', '.join(sorted(images))}",
            f"kubectl -n {cluster.namespace} rollout status deployment/{name}",
        )
    if number(deployed) is None:
        yield about.info("it does not say its version")
    elif number(deployed) != number(own):
        yield about.warning(
            f"the webhook is {deployed} and this command is {own}: doctor may judge it wrongly",
            f"pip install 'initshim[cli]=={deployed}'",
        )
    elif deployed != own:
        yield about.info(f"the webhook is {deployed}, this command is {own}")
    else:
        yield about.ok(f"the webhook is {deployed}, and so is this command")


def _reaper(cluster: Cluster) -> Iterator[Finding]:
    reaper = cluster.settings.reaper_image
    webhook = str(cluster.container.get("image") or "")
    theirs, ours = _tag(reaper), _tag(webhook)
    if theirs and ours and theirs != ours:
        yield Subject(_FAMILY, reaper).warning(
            f"the reaper is {theirs} and the webhook {ours}: its options may not be known there",
            cluster.upgrade(f"reaperImage.tag={ours}"),
        )


def _tag(reference: str) -> str:
    try:
        return image.parse(reference).tag or ""
    except BadReference:
        return ""
