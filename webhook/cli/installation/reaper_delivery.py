"""Pods that wait for the reaper: what keeps init container or image volume from bringing it.

The kubelet says so in the pod's status: the waiting reasons are those of k8s.io/kubernetes,
pkg/kubelet/images/types.go and pkg/kubelet/kuberuntime. An image volume that can't be pulled is
reported on the containers that mount it, with the volume's image in the message; CRI-O's own words
name the repository, and the tag elsewhere.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webhook.core.ours import NAME
from webhook.core.printable import printable
from webhook.kube.objects import Json

_PULL = frozenset(
    {
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
_USUAL = frozenset({"", "ContainerCreating", "PodInitializing"})
_LONGEST = 160


@dataclass(frozen=True, slots=True)
class Undelivered:
    """Why a wrapped pod can't start: the kubelet's reason and words; `pull` tells an image's."""

    reason: str
    message: str
    image: str
    pull: bool

    @property
    def sentence(self) -> str:
        """What is so, in one sentence without its full stop."""
        if self.pull:
            return f"the reaper's image {self.image} can't be pulled ({self.reason})"
        return f"the init container {NAME} fails ({self.reason})"

    def remedy(self, namespace: str, pod: str) -> str:
        """What to do next."""
        if self.pull:
            return (
                f"Let the nodes pull {self.image}, or mirror it and name the mirror in the chart's "
                f"reaperImage.\nkubectl -n {namespace} describe pod {pod}"
            )
        return f"kubectl -n {namespace} logs {pod} -c {NAME}"


def undelivered(pod: Json) -> Undelivered | None:
    """Read a pod's status: what keeps the reaper from it, None where nothing does."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    for each in status.get("initContainerStatuses") or ():
        if each.get("name") == NAME:
            return _of_init_container(each, _image_of(spec))
    volume = _volume_image(spec)
    for each in status.get("containerStatuses") or () if volume else ():
        waiting = (each.get("state") or {}).get("waiting") or {}
        reason, message = str(waiting.get("reason") or ""), _line(waiting.get("message"))
        if reason not in _USUAL and _names(message, volume):
            return Undelivered(reason, message[:_LONGEST], volume, pull=True)
    return None


def _of_init_container(status: Mapping[str, Any], image: str) -> Undelivered | None:
    state = status.get("state") or {}
    waiting = state.get("waiting") or {}
    reason, message = str(waiting.get("reason") or ""), _line(waiting.get("message"))
    if reason in _PULL:
        return Undelivered(reason, message[:_LONGEST], image, pull=True)
    ended = state.get("terminated") or (status.get("lastState") or {}).get("terminated") or {}
    if ended.get("exitCode"):
        said = _line(ended.get("message"))[:_LONGEST]
        return Undelivered(f"exit code {ended['exitCode']}", said, image, pull=False)
    if reason not in _USUAL:
        return Undelivered(reason, message[:_LONGEST], image, pull=False)
    return None


def _image_of(spec: Mapping[str, Any]) -> str:
    return str(_ours(spec.get("initContainers")).get("image") or "")


def _volume_image(spec: Mapping[str, Any]) -> str:
    return str((_ours(spec.get("volumes")).get("image") or {}).get("reference") or "")


def _names(message: str, image: str) -> bool:
    repository = re.sub(r"(:[^:/@]+)?(@.*)?$", "", image)
    return bool(re.search(rf"{re.escape(repository)}(?![\w./-])", message))


def _ours(listed: Sequence[Json] | None) -> Json:
    return next((each for each in listed or () if each.get("name") == NAME), {})


def _line(text: object) -> str:
    """Give a kubelet's message on one line; a registry's words may be in it."""
    return printable(" ".join(str(text or "").split()))
