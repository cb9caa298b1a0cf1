"""The patch, `mutation.operations`: one expression that gives a list of JSONPatch.

Items are appended with `/-` or inserted at `/0`: what the pod has can't be written back. No value
is a list of objects: Kubernetes 1.36 panics over one (`ObjectVal.ConvertToNative` in
k8s.io/apiserver, pkg/cel/mutation/dynamic) and refuses the pod, whatever `failurePolicy` says. An
empty list comes first instead. The commands come before our init container, which moves every
other one.
"""

from dataclasses import dataclass

from webhook.core import mutation
from webhook.core.annotations import DEFAULT_CONTAINER, STATUS
from webhook.core.argv import INIT
from webhook.core.cel.literals import Code, literal, typed
from webhook.core.cel.paths import has_our_mount
from webhook.core.container import TERMINATION_LOG

_INITS, _VOLUMES = "Object.spec.initContainers", "Object.spec.volumes"


@dataclass(frozen=True, slots=True)
class Delivery:
    """`mutation.Delivery`, each part in CEL."""

    image: Code
    version: Code
    pull_policy: Code
    as_volume: Code


def operations(delivery: Delivery) -> str:
    """Give the expression; its variables are those of `policy.variables`."""
    parts = (
        _commands(),
        _args(),
        _mounts(),
        _volume(delivery),
        _init_container(delivery),
        _resources(),
        _order(),
        _annotations(),
    )
    return "variables.through.size() == 0 ? [] :\n" + "\n+ ".join(parts)


def _patch(op: str, path: str, value: str = "") -> str:
    more = f", value: {value}" if value else ""
    return f"JSONPatch{{op: {literal(op)}, path: {path}{more}}}"


def _at(index: str, field: str) -> str:
    """Give the path of a container's field."""
    return f"variables.places[{index}] + {literal(field)}"


def _commands() -> str:
    escaped = 'map(w, w.replace("$", "$$"))'
    entrypoint = f'(variables.known[i][0] == [""] ? [] : variables.known[i][0].{escaped})'
    command = "variables.all[i].?command.orValue([])"
    log = 'variables.all[i].?terminationMessagePath.orValue("")'
    usual = literal(["", TERMINATION_LOG])
    front = (
        f"[{literal(INIT)}] + variables.options"
        f' + ({log} in {usual} ? [] : ["-t", {log}.replace("$", "$$")]) + ["--"]'
    )
    value = f"{front}\n+ ({command}.size() > 0 ? {command} : {entrypoint})"
    return f"variables.wraps.map(i, {_patch('add', _at('i', '/command'), value)})"


def _args() -> str:
    """CMD, where the pod has no args of its own."""
    added = (
        "variables.known[i].size() > 0 && variables.known[i][1].size() > 0"
        " && variables.all[i].?args.orValue([]).size() == 0"
    )
    value = 'variables.known[i][1].map(w, w.replace("$", "$$"))'
    patch = _patch("add", _at("i", "/args"), value)
    return f"variables.wraps.filter(i, {added}).map(i, {patch})"


def _mounts() -> str:
    mount = typed("Object.spec.containers.volumeMounts", mutation.READ_ONLY_MOUNT)
    append = _patch("add", _at("i", "/volumeMounts/-"), mount)
    begin = _patch("add", _at("i", "/volumeMounts"), "[]")
    none = "variables.all[i].?volumeMounts.orValue([]).size() == 0"
    return (
        f"variables.through.filter(i, {none}).map(i, {begin})\n"
        f"+ variables.through.filter(i, !{has_our_mount('variables.all[i]')}).map(i, {append})"
    )


def _added(condition: str, path: str, place: str, value: str) -> str:
    """Add to a list of the pod's that may have to be begun; `path` is that of the item."""
    begin = _patch("add", literal(place), "[]")
    there = f"has(object{place.replace('/', '.')})"
    item = _patch("add", literal(path), value)
    return f"(!{condition} ? [] : ({there} ? [] : [{begin}])\n+ [{item}])"


def _volume(delivery: Delivery) -> str:
    memory, image = (
        typed(_VOLUMES, mutation.our_volume(_core_delivery(delivery, as_volume=each)))
        for each in (False, True)
    )
    chosen = f"({delivery.as_volume} ? {image} : {memory})"
    return _added("variables.lacksVolume", "/spec/volumes/-", "/spec/volumes", chosen)


def _core_delivery(delivery: Delivery, *, as_volume: bool) -> mutation.Delivery:
    return mutation.Delivery(
        delivery.image, delivery.version, delivery.pull_policy, as_volume=as_volume
    )


def _init_container(delivery: Delivery) -> str:
    made = mutation.our_init_container(_core_delivery(delivery, as_volume=False))
    as_root = "object.spec.?securityContext.?runAsUser.orValue(-1) == 0"
    security = made["securityContext"] | {
        "?runAsUser": Code(f"{as_root} ? optional.of({mutation.NUMERIC_USER}) : optional.none()")
    }
    mounts = typed(f"{_INITS}.volumeMounts", made["volumeMounts"])
    token = typed(f"{_INITS}.volumeMounts", [mutation.IN_PLACE_OF_A_TOKEN])
    made |= {
        "resources": Code(_asked("variables.first")),
        "securityContext": security,
        "volumeMounts": Code(f"{mounts} + (variables.givesToken ? {token} : [])"),
    }
    init = typed(_INITS, made)
    inits = "/spec/initContainers"
    return _added("variables.lacksInit", f"{inits}/0", inits, init)


def asked(container: str, kind: str) -> str:
    """Give the requests or limits of a container that ours copies."""
    copied = literal(mutation.COPIED_RESOURCES)
    return f"{container}.?resources.?{kind}.orValue({{}}).transformMap(k, v, k in {copied}, v)"


def _asked(container: str) -> str:
    limits, requests = (asked(container, kind) for kind in ("limits", "requests"))
    return f"{_INITS}.resources{{limits: {limits}, requests: {requests}}}"


def _resources() -> str:
    patch = _patch("add", _at("variables.ours[0]", "/resources"), _asked("variables.first"))
    return f"(!variables.asksOtherwise ? [] : [{patch}])"


def _order() -> str:
    source = "variables.places[variables.ours[0]]"
    move = f'JSONPatch{{op: "move", from: {source}, path: "/spec/initContainers/0"}}'
    return f"(!variables.comesLate ? [] : [{move}])"


def _annotations() -> str:
    """The status, and kubectl's default container; in a map that may have to be made."""
    status, default = (
        _patch("add", literal(f"/metadata/annotations/{key.replace('/', '~1')}"), value)
        for key, value in (
            (STATUS, "variables.status"),
            (DEFAULT_CONTAINER, "variables.all[0].name"),
        )
    )
    made = _patch("add", literal("/metadata/annotations"), "{}")
    return (
        f"(has(object.metadata.annotations) ? [] : [{made}])\n"
        f"+ (variables.statusDiffers ? [{status}] : [])\n"
        f"+ (variables.namesDefault ? [{default}] : [])"
    )
