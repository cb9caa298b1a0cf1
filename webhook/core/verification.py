"""Whether a patched pod is the pod that came, with its plan carried out, and nothing else of it."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from webhook.core.annotations import DEFAULT_CONTAINER, STATUS
from webhook.core.argv import ImageConfig, escape
from webhook.core.container import Container
from webhook.core.errors import PatchFailed
from webhook.core.mutation import runs_through
from webhook.core.ours import is_our_mount, is_our_volume, is_ours, is_wrapped
from webhook.core.pod import Pod
from webhook.core.policy import Decision, Plan, Wrap

_OURS = (STATUS, DEFAULT_CONTAINER)


def verify(before: Pod, after: Pod, plan: Plan) -> None:
    """Raise PatchFailed with the first difference, where there is one that was not planned.

    `after` comes from the patch alone, so this shares nothing with what made the patch.
    """
    for problem in _problems(before, after, plan):
        raise PatchFailed(f"the patch does not lead to the planned pod: {problem}")


def _problems(before: Pod, after: Pod, plan: Plan) -> Iterator[str]:
    decided = {(each.container.field, each.container.index): each for each in plan.decisions}
    old_ones, new_ones = _others(before), _others(after)
    if [each.field for each in old_ones] != [each.field for each in new_ones]:
        yield "containers came or went"
    for old, new in zip(old_ones, new_ones, strict=False):
        decision = decided.get((old.field, old.index))
        if decision and runs_through(decision):
            yield from _wrapped(old, new, decision)
        elif old.fields != new.fields:
            yield f"{old.path} is another one"
    if any(map(runs_through, plan.decisions)):
        yield from _delivered(after)
    if not _leaves_the_default(before, after):
        yield "it names another default container"
    if _rest(before) != _rest(after):
        yield "it changes what is not ours"


def _others(pod: Pod) -> Sequence[Container]:
    return [each for each in pod.containers if not is_ours(each)]


def _wrapped(old: Container, new: Container, decision: Decision) -> Iterator[str]:
    if not is_wrapped(new):
        yield f"{old.path} does not run through the reaper"
    if not any(map(is_our_mount, new.mounts)):
        yield f"{old.path} has no mount"
    same = replace(
        new.fields,
        command=old.fields.command,
        args=old.fields.args,
        volume_mounts=old.fields.volume_mounts,
    )
    kept = [each for each in new.mounts if not is_our_mount(each)]
    if same != old.fields or kept != [each for each in old.mounts if not is_our_mount(each)]:
        yield f"{old.path} is another one"
    image = decision.image if isinstance(decision, Wrap) else None
    if isinstance(decision, Wrap) and not _starts(old, new, image):
        yield f"{old.path} runs something else"
    if not isinstance(decision, Wrap) and (new.command, new.args) != (old.command, old.args):
        yield f"{old.path} runs something else"


def _starts(old: Container, new: Container, image: ImageConfig | None) -> bool:
    """Tell whether what stands behind the reaper is what ran before, semantics of the kubelet."""
    program, args = old.command, old.args
    if not program and image:
        entrypoint = () if image.entrypoint == ("",) else image.entrypoint
        program = [*map(escape, entrypoint)]
        args = args or [*map(escape, image.cmd)]
    tail = ["--", *program]
    return list(new.command[-len(tail) :]) == tail and list(new.args) == list(args)


def _delivered(pod: Pod) -> Iterator[str]:
    """The reaper is there before anything runs through it."""
    volume = next(filter(is_our_volume, pod.volumes), None)
    if volume is None:
        yield "it has no volume of ours"
    inits = [each for each in pod.containers if each.field == "initContainers"]
    installed = [is_ours(each) for each in inits]
    through = [is_wrapped(each) for each in inits]
    if True in installed:
        if True in through and through.index(True) < installed.index(True):
            yield "something runs through the reaper before it is installed"
    elif volume is not None and volume.image is None:
        yield "nothing installs the reaper"


def _leaves_the_default(before: Pod, after: Pod) -> bool:
    """Tell whether kubectl takes the container that it would have taken before."""
    name, found = (
        before.annotations.get(DEFAULT_CONTAINER),
        after.annotations.get(DEFAULT_CONTAINER),
    )
    return name == found or (name is None and [each.name for each in before.containers] == [found])


def _rest(pod: Pod) -> tuple[object, ...]:
    """Everything that is read, but for what a patch of ours may touch."""
    annotations = {key: value for key, value in pod.annotations.items() if key not in _OURS}
    metadata = replace(pod.metadata, annotations=annotations)
    spec = replace(pod.spec, containers=None, init_containers=None, volumes=None)
    return metadata, spec, [each for each in pod.volumes if not is_our_volume(each)]
