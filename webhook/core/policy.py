"""Which containers are wrapped, which need their image looked up, and why the rest is left."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from msgspec import Struct

from webhook.core import cautions, image, inits, reasons
from webhook.core.annotations import PodOptions, pod_options
from webhook.core.argv import INIT, ImageConfig, effective
from webhook.core.container import Container
from webhook.core.errors import BadAnnotation, BadReference
from webhook.core.image_swaps import swaps_images
from webhook.core.ours import has_our_mount, is_ours, is_wrapped, name_taken, path_taken
from webhook.core.pod import Pod
from webhook.core.reasons import Reason
from webhook.core.windows import only_on_windows

RUNTIME_CLASSES = ("wasm*", "spin*", "slight*", "wws*", "lunatic*")
"""Globs of runtime classes that run no Linux programs: left alone by default."""
MIRROR = "kubernetes.io/config.mirror"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_LONGEST_HINT = 100
_LONGEST_NAME = 253  # characters of an object's name (apimachinery, pkg/util/validation)


@dataclass(frozen=True, slots=True)
class ClusterRules:
    """What the cluster's administrator decided.

    `runtime_classes` are globs of runtime classes to leave alone; `images` maps globs of image
    references to configurations that need no lookup; `lookups` allows asking registries;
    `init_systems` are names or paths of programs that have to be PID 1, beside those of `inits`.
    """

    runtime_classes: tuple[str, ...] = ()
    images: tuple[tuple[str, ImageConfig], ...] = ()
    lookups: bool = True
    init_systems: tuple[str, ...] = ()


class Wrap(Struct, frozen=True):
    """The container is to run through the reaper, which gets these options.

    `image` is there where the pod gives no command.
    """

    container: Container
    image: ImageConfig | None = None
    options: tuple[str, ...] = ()


class NeedsImage(Struct, frozen=True):
    """What the container runs is not known yet; `settle` decides once it is.

    `options` are the reaper's, should the container be wrapped.
    """

    container: Container
    init_systems: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


class Skip(Struct, frozen=True):
    """The container is left as it is; `remedy` where a better one is known than the reason's."""

    container: Container
    reason: Reason
    detail: str = ""
    remedy: str = ""


Decision = Wrap | NeedsImage | Skip


class Plan(Struct, frozen=True):
    """What is to happen to a pod; with a `reason` the whole pod is left alone.

    `applied`: a person made the pod with `kubectl apply`, and may do so again.
    """

    decisions: tuple[Decision, ...] = ()
    reason: Reason | None = None
    detail: str = ""
    applied: bool = False


def plan(pod: Pod, rules: ClusterRules) -> Plan:
    """Decide for each container: Wrap, NeedsImage or Skip. Raises BadPod for wrong types."""
    try:
        options = pod_options(pod.annotations, pod.labels)
    except BadAnnotation as error:
        return Plan(reason=Reason.BAD_ANNOTATION, detail=str(error))
    reason = _whole_pod(pod, options, rules)
    if reason:
        return Plan(reason=reason)
    swapped = swaps_images(pod)
    decisions = [
        _decide(pod, each, options, rules, swapped=swapped)
        for each in pod.containers
        if each.field == "containers" or not is_ours(each)
    ]
    applied = _LAST_APPLIED in pod.annotations and not pod.owner
    return Plan(tuple(decisions), applied=applied)


def settle(asked: NeedsImage, config: ImageConfig | None) -> Wrap | Skip:
    """Decide once it is known what the container runs."""
    container = asked.container
    argv = effective(container.command, container.args, config)
    if not argv:
        return Skip(container, Reason.NO_COMMAND)
    if argv[0] == INIT:
        return Skip(container, Reason.HAS_INIT)
    found = inits.find(argv, asked.init_systems)
    if found:
        return Skip(container, found.reason)
    if config and config.init_system and not container.command:
        return Skip(container, Reason.NEEDS_PID_1, f"the image's {config.init_system} tells so")
    return Wrap(container, None if container.command else config, asked.options)


def warnings(plan: Plan) -> list[str]:
    """One sentence for each thing that needs a hand: what, why, what to do.

    What was left alone and should not be, then what wrapping changes for a container.
    """
    if plan.reason:
        if not plan.reason.meaning.needs_hand:
            return []
        what = plan.detail or plan.reason.meaning.sentence
        todo = reasons.remedy(plan.reason, "")
        said = f"initshim left the pod alone: {what}"
        whole = f"{said}; {todo}"
        # The sentence about an annotation says itself what is to be corrected.
        short = whole if len(whole) <= reasons.LONGEST_WARNING else said
        return [short]
    left_alone: list[str] = []
    changed: list[str] = []
    for each in plan.decisions:
        if isinstance(each, Wrap):
            changed += cautions.of_container(each.container, each.image, each.options)
        elif isinstance(each, Skip) and each.reason.meaning.needs_hand:
            left_alone.append(reasons.warning(each.reason, each.container.name, each.remedy))
    if plan.applied and _changes_a_command(plan):
        changed.append(cautions.applied_again())
    return left_alone + changed


def _changes_a_command(plan: Plan) -> bool:
    return any(isinstance(each, Wrap) and each.container.command for each in plan.decisions)


def _whole_pod(pod: Pod, options: PodOptions, rules: ClusterRules) -> Reason | None:
    """Give the first reason, in the order of semantics §3, to leave the whole pod alone."""
    spec = pod.spec
    if options.opted_out:
        return Reason.OPTED_OUT
    if only_on_windows(pod):
        return Reason.WINDOWS
    if spec.host_pid is True:
        return Reason.HOST_PID
    if spec.share_process_namespace is True:
        return Reason.SHARED_PROCESS_NAMESPACE
    if MIRROR in pod.annotations:
        return Reason.MIRROR_POD
    if _matches(spec.runtime_class_name or "", rules.runtime_classes):
        return Reason.RUNTIME_CLASS
    return Reason.NAME_TAKEN if name_taken(pod) else None


def _matches(text: str, globs: Sequence[str]) -> bool:
    known = 0 < len(text) <= _LONGEST_NAME
    return known and any(fnmatchcase(text, glob) for glob in globs)


def _decide(
    pod: Pod, container: Container, options: PodOptions, rules: ClusterRules, *, swapped: bool
) -> Decision:
    reason = _by_fields(container, options)
    if reason:
        return Skip(container, reason)
    asked = NeedsImage(container, rules.init_systems, options.reaper)
    if container.command:
        return settle(asked, None)
    by_hand = options.entrypoints.get(container.name)
    sign = inits.init_system_of_pod(container.stop_signal, pod.variables(container))
    if sign and not by_hand:
        return Skip(container, Reason.NEEDS_PID_1, f"its {sign[:_LONGEST_HINT]} tells so")
    if swapped and not by_hand:
        return Skip(container, Reason.IMAGE_SWAPPED)
    known = ImageConfig(by_hand) if by_hand else _known(container.image, rules.images)
    if known:
        return settle(asked, known)
    if container.pull_policy == "Never":
        return Skip(container, Reason.NEVER_PULLED)
    if not rules.lookups:
        return Skip(container, Reason.LOOKUP_OFF)
    return asked


def _by_fields(container: Container, options: PodOptions) -> Reason | None:
    """Give the first reason to leave a container alone, whatever it runs."""
    if is_wrapped(container):
        # A second mount at one path is refused, and the pod with it.
        fits = has_our_mount(container) or not path_taken(container)
        return Reason.ALREADY_WRAPPED if fits else Reason.NAME_TAKEN
    if container.name in options.excluded:
        return Reason.EXCLUDED
    if not container.runs_on and not options.include_init:
        return Reason.INIT_CONTAINER
    return Reason.NAME_TAKEN if path_taken(container) else None


def _known(written: str, images: Sequence[tuple[str, ImageConfig]]) -> ImageConfig | None:
    """Find what the administrator says about the image."""
    if not images or len(written) > image.LONGEST:
        return None
    try:
        normal = str(image.parse(written))
    except BadReference:
        normal = written
    for glob, config in images:
        if fnmatchcase(normal, glob) or fnmatchcase(written, glob):
            return config
    return None
