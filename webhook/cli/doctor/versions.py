"""Versions that should go together: command line, webhook, reaper, Kubernetes."""

import re
from collections.abc import Iterator

from webhook.cli.doctor.finding import Finding, Subject
from webhook.cli.doctor.site import Site
from webhook.core import image
from webhook.core.errors import BadReference
from webhook.kube.errors import KubeError

_FAMILY = "versions"
_OLDEST = (1, 27)
_CONDITIONS = (1, 28)
_IMAGE_VOLUMES = (1, 35)
_LABEL = "app.kubernetes.io/version"


def judge(site: Site, *, own: str, wrote: str) -> list[Finding]:
    """Compare them; `own` is the command line's, `wrote` what the webhook wrote in a rehearsal."""
    return [*_kubernetes(site), *_webhook(site, own, wrote), *_reaper(site)]


def _kubernetes(site: Site) -> Iterator[Finding]:
    about = Subject(_FAMILY, "Kubernetes")
    if isinstance(site.version, KubeError):
        yield about.unlooked(site.version)
        return
    minor = _minor(site.version)
    if minor is None:
        yield about.info(f"its version can't be read: {site.version}")
    elif minor < _OLDEST:
        yield about.error(f"{site.version} is older than 1.27", "Upgrade the cluster.")
    elif site.settings.get("DELIVERY") == "imageVolume" and minor < _IMAGE_VOLUMES:
        yield about.error(
            f"{site.version} has no image volumes by default (1.35 has): injected pods can't start",
            site.upgrade("delivery=initContainer"),
        )
    elif minor >= _CONDITIONS and not site.webhook.get("matchConditions"):
        yield about.info(
            f"{site.version} knows matchConditions, and the configuration has none: it was "
            "rendered for an older one",
            site.upgrade(),
        )
    else:
        yield about.ok(f"{site.version}")


def _webhook(site: Site, own: str, wrote: str) -> Iterator[Finding]:
    if site.deployment is None:
        return
    name = site.deployment["metadata"]["name"]
    about = Subject(_FAMILY, f"Deployment {site.namespace}/{name}")
    labelled = (site.deployment["metadata"].get("labels") or {}).get(_LABEL, "")
    deployed = wrote or labelled or _tag(str(site.container.get("image") or ""))
    images = {
        each["image"]
        for pod in (() if isinstance(site.pods, KubeError) else site.pods)
        for each in (pod.get("spec") or {}).get("containers") or ()
        if each.get("name") == site.container.get("name")
    }
    if len(images) > 1:
        yield about.warning(
            f"its pods run different images: {', '.join(sorted(images))}",
            f"kubectl -n {site.namespace} rollout status deployment/{name}",
        )
    if not deployed:
        yield about.info("it does not say its version")
    elif _minor(deployed) != _minor(own):
        yield about.warning(
            f"the webhook is {deployed} and this command is {own}: doctor may judge it wrongly",
            f"pip install 'initshim[webhook,cli]=={deployed}'",
        )
    elif deployed != own:
        yield about.info(f"the webhook is {deployed}, this command is {own}")
    else:
        yield about.ok(f"the webhook is {deployed}, and so is this command")


def _reaper(site: Site) -> Iterator[Finding]:
    reaper = site.settings.get("REAPER_IMAGE", "")
    webhook = str(site.container.get("image") or "")
    theirs, ours = _tag(reaper), _tag(webhook)
    if theirs and ours and theirs != ours:
        yield Subject(_FAMILY, reaper).warning(
            f"the reaper is {theirs} and the webhook {ours}: its options may not be known there",
            site.upgrade(f"reaperImage.tag={ours}"),
        )


def _tag(reference: str) -> str:
    try:
        return image.parse(reference).tag or ""
    except BadReference:
        return ""


def _minor(version: str) -> tuple[int, int] | None:
    """Give major and minor of v1.36.1-gke.4, 1.36+ or 0.3.0."""
    numbers = re.match(r"v?([0-9]+)\.([0-9]+)", version)
    return (int(numbers[1]), int(numbers[2])) if numbers else None
