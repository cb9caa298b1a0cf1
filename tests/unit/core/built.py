"""The patched pod, built from the raw one as a whole: what the operations have to lead to.

Written without operations and without the typed pod, so that the two can be held together. Of
the plan it takes who runs through the reaper and with what; the rest it finds by itself.
"""

import copy
import json
from collections.abc import Sequence
from posixpath import normpath
from typing import Any

from webhook.core.annotations import STATUS
from webhook.core.argv import wrap
from webhook.core.mutation import Delivery
from webhook.core.pod import Json
from webhook.core.policy import Decision, Plan, Skip, Wrap

_DEFAULT = "kubectl.kubernetes.io/default-container"
_MOUNT = {"name": "initshim", "mountPath": "/.initshim", "readOnly": True}
_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"  # where, not what


def build(before: Json, plan: Plan, delivery: Delivery) -> Json:
    """Give a copy of the pod with the plan carried out."""
    through = [each for each in plan.decisions if _through(each)]
    if not through:
        return before
    pod = copy.deepcopy(before)
    spec = pod["spec"]
    first = _raw(spec, through[0])
    for each in through:
        _reach(_raw(spec, each), each)
    if not any(map(_is_volume, spec.get("volumes") or ())):
        spec["volumes"] = [*(spec.get("volumes") or ()), _volume(delivery)]
    _install(spec, first, through, delivery)
    _say(pod, plan, delivery, changed=spec != before["spec"])
    if len(spec["containers"]) == 1 and not before["spec"].get("initContainers"):
        _name_the_one(pod)
    return pod


def _name_the_one(pod: Json) -> None:
    """Have kubectl take the one container without a word about ours."""
    if any(map(_installs, pod["spec"].get("initContainers") or ())):
        name = pod["spec"]["containers"][0]["name"]
        pod["metadata"]["annotations"].setdefault(_DEFAULT, name)


def _through(each: Decision) -> bool:
    return isinstance(each, Wrap) or (isinstance(each, Skip) and each.reason == "already-wrapped")


def _raw(spec: Json, decision: Decision) -> Json:
    raw: Json = spec[decision.container.field][decision.container.index]
    return raw


def _reach(raw: Json, decision: Decision) -> None:
    if isinstance(decision, Wrap):
        options = decision.options
        last_words = raw.get("terminationMessagePath") or "/dev/termination-log"
        if last_words != "/dev/termination-log":
            options = (*options, "-t", last_words)
        command, args = raw.get("command") or (), raw.get("args") or ()
        argv = wrap(command, args, decision.image, options=options)
        raw["command"] = list(argv.command)
        if argv.args is not None:
            raw["args"] = list(argv.args)
    mounts = raw.get("volumeMounts") or []
    if not any(_is_mount(each) for each in mounts):
        raw["volumeMounts"] = [*mounts, dict(_MOUNT)]


def _is_mount(mount: Json) -> bool:
    where = normpath("/" + (mount.get("mountPath") or "").lstrip("/"))
    return mount.get("name") == "initshim" and where == "/.initshim"


def _is_volume(volume: Json) -> bool:
    in_memory = (volume.get("emptyDir") or {}).get("medium") == "Memory"
    return volume.get("name") == "initshim" and (in_memory or _is_image(volume))


def _is_image(volume: Json) -> bool:
    return bool((volume.get("image") or {}).get("reference"))


def _volume(delivery: Delivery) -> Json:
    if delivery.as_volume:
        image = {"reference": delivery.image, "pullPolicy": delivery.pull_policy}
        return {"name": "initshim", "image": image}
    return {"name": "initshim", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}


def _install(spec: Json, first: Json, through: Sequence[Decision], delivery: Delivery) -> None:
    inits: list[Json] = spec.get("initContainers") or []
    there = [each for each in inits if _installs(each)]
    if there:
        ours = there[0]
        if _asked(ours) != _asked(first):
            ours["resources"] = _asked(first)
        last = min(
            (each.container.index for each in through if each.container.field == "initContainers"),
            default=len(inits),
        )
        if last < inits.index(ours):
            inits.remove(ours)
            inits.insert(0, ours)
    elif not any(each.get("name") == "initshim" and _is_image(each) for each in spec["volumes"]):
        security = spec.get("securityContext") or {}
        spec["initContainers"] = [_init(first, spec, delivery, security), *inits]


def _installs(container: Json) -> bool:
    argv = [*(container.get("command") or ()), *(container.get("args") or ())]
    return container.get("name") == "initshim" and "--install" in argv


def _init(first: Json, spec: Json, delivery: Delivery, pod_security: Json) -> Json:
    security: Json = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if pod_security.get("runAsUser") == 0:
        security["runAsUser"] = 65532
    mounts = [{"name": "initshim", "mountPath": "/.initshim"}]
    others = (*spec["containers"], *(spec.get("initContainers") or ()))
    if any(m.get("mountPath") == _TOKEN for each in others for m in each.get("volumeMounts") or ()):
        mounts.append({"name": "initshim", "mountPath": _TOKEN, "readOnly": True})  # type: ignore[dict-item]
    asked = _asked(first)
    return {
        "name": "initshim",
        "image": delivery.image,
        "imagePullPolicy": delivery.pull_policy,
        "command": ["/init", "--install", "/.initshim/init"],
        **({"resources": asked} if asked else {}),
        "securityContext": security,
        "volumeMounts": mounts,
    }


def _asked(container: Json) -> Json:
    resources = container.get("resources") or {}
    kinds = {
        kind: {
            name: amount
            for name, amount in (resources.get(kind) or {}).items()
            if name in ("cpu", "memory", "ephemeral-storage")
        }
        for kind in ("limits", "requests")
    }
    return {kind: amounts for kind, amounts in kinds.items() if amounts}


def _say(pod: Json, plan: Plan, delivery: Delivery, *, changed: bool) -> None:
    metadata = pod.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    status: dict[str, Any] = {
        "version": delivery.version,
        "wrapped": [each.container.name for each in plan.decisions if _through(each)],
        "skipped": {
            each.container.name: each.reason
            for each in plan.decisions
            if isinstance(each, Skip) and not _through(each)
        },
    }
    try:
        said = json.loads(annotations.get(STATUS) or "")
    except (ValueError, RecursionError):
        said = None
    if not changed and isinstance(said, dict) and said.get("delivery"):
        del said["delivery"]  # of a pod that is there already nothing new is said
    known = isinstance(said, dict) and {**said, "version": ""} == {**status, "version": ""}
    if delivery.by_nodes:
        ours = next(each for each in pod["spec"]["volumes"] if each["name"] == "initshim")
        status["delivery"] = "imageVolume" if _is_image(ours) else "initContainer"
    if changed or not known:
        written = json.dumps(status, separators=(",", ":"), ensure_ascii=False)
        pod["metadata"] = {**metadata, "annotations": {**annotations, STATUS: written}}
