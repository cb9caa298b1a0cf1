"""The reasons to leave a whole pod alone, as conditions on `object`."""

from collections.abc import Callable

from webhook.core import image_swaps, ours, policy, windows
from webhook.core.annotations import INJECT, OFF
from webhook.core.cel.literals import Code, all_of, any_of, literal, optional
from webhook.core.cel.paths import is_our_volume
from webhook.core.reasons import Reason

Read = Callable[[str, str], str]
"""`optional`, or `checked` for an older API server: reads a path, gives the default for none."""

CONTAINERS = "object.spec.containers"
INIT_CONTAINERS = optional("object.spec.initContainers", "[]")
ALL = f"({CONTAINERS} + {INIT_CONTAINERS})"
ANNOTATIONS = optional("object.metadata.annotations", "{}")
LABELS = optional("object.metadata.labels", "{}")
VOLUMES = optional("object.spec.volumes", "[]")


def never_wrapped(read: Read = optional) -> dict[Reason, str]:
    """Give the condition of each reason for which nobody needs to be asked about a pod."""
    annotations, labels = (
        read(f"object.metadata.{each}", "{}") for each in ("annotations", "labels")
    )
    return {
        Reason.OPTED_OUT: any_of(
            f"{literal(INJECT)} in {each} && {each}[{literal(INJECT)}] in {literal(OFF)}"
            for each in (annotations, labels)
        ),
        Reason.WINDOWS: _only_on_windows(read),
        Reason.HOST_PID: read("object.spec.hostPID", "false"),
        Reason.SHARED_PROCESS_NAMESPACE: read("object.spec.shareProcessNamespace", "false"),
        Reason.MIRROR_POD: f"{literal(policy.MIRROR)} in {annotations}",
    }


def left_alone(runtime_classes: Code) -> dict[Reason, str]:
    """Give the condition of each reason, in `policy.plan`'s order, but for bad annotations.

    `runtime_classes` is a pattern that matches the classes to leave alone.
    """
    runtime_class = optional("object.spec.runtimeClassName", '""')
    return never_wrapped() | {
        Reason.RUNTIME_CLASS: all_of(
            (f'{runtime_class} != ""', f"{runtime_class}.matches({runtime_classes})")
        ),
        Reason.NAME_TAKEN: any_of(
            (
                f"{CONTAINERS}.exists(c, c.name == {literal(ours.NAME)})",
                f"{INIT_CONTAINERS}.exists(c, c.name == {literal(ours.NAME)} && !{is_ours('c')})",
                f"{VOLUMES}.exists(v, v.name == {literal(ours.NAME)} && !{is_our_volume('v')})",
            )
        ),
    }


def is_ours(container: str) -> str:
    """Recognise our init container, `ours.is_ours`; `container` is one of initContainers."""
    words = f"({container}.?command.orValue([]) + {container}.?args.orValue([]))"
    return f'({container}.name == {literal(ours.NAME)} && "--install" in {words})'


def swaps_images() -> str:
    """`image_swaps.swaps_images`."""
    return any_of(
        (
            *(f"{literal(each)} in {LABELS}" for each in image_swaps.LABELS),
            (
                f"{optional('object.spec.readinessGates', '[]')}.exists(g, "
                f"g.conditionType in {literal(image_swaps.READINESS_GATES)})"
            ),
        )
    )


def _only_on_windows(read: Read) -> str:
    """`windows.only_on_windows`."""
    labels = literal(windows.SYSTEM_LABELS)
    containers = f"({CONTAINERS} + {read('object.spec.initContainers', '[]')})"
    system, build = literal(windows.WINDOWS), literal(windows.BUILD_LABEL)
    selector = read("object.spec.nodeSelector", "{}")
    host_process = "securityContext.windowsOptions.hostProcess"
    terms = read(
        "object.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
        ".nodeSelectorTerms",
        "[]",
    )
    expressions = read("t.matchExpressions", "[]")
    values = read("r.values", "[]")
    said = f"{expressions}.size() > 0 || {read('t.matchFields', '[]')}.size() > 0"
    leaves_linux_out = (
        f'r.key == {build} ? r.operator in ["In", "Exists", "Gt", "Lt"]'
        f" : r.key in {labels} && ("
        f'(r.operator == "In" && {values}.size() > 0 && {values}.all(v, v == {system}))'
        f' || (r.operator == "NotIn" && {literal(windows.LINUX)} in {values}))'
    )
    return any_of(
        (
            f"{read('object.spec.os.name', literal(''))} == {system}",
            f"{build} in {selector}",
            f"{labels}.exists(k, k in {selector} && {selector}[k] == {system})",
            (
                f"[{terms}.filter(t, {said})].exists(all, all.size() > 0"
                f" && all.all(t, {expressions}.exists(r, {leaves_linux_out})))"
            ),
            read(f"object.spec.{host_process}", "false"),
            f"{containers}.exists(c, {read(f'c.{host_process}', 'false')})",
        )
    )
