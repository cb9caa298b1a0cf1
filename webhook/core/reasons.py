"""Why a pod or a container is left alone: one key for metrics, warnings, logs and the docs."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """The public name of a reason; it never changes its meaning."""

    # the whole pod
    OPTED_OUT = "opted-out"
    WINDOWS = "windows"
    HOST_PID = "host-pid"
    SHARED_PROCESS_NAMESPACE = "shared-process-namespace"
    MIRROR_POD = "mirror-pod"
    RUNTIME_CLASS = "runtime-class"
    NAME_TAKEN = "name-taken"
    BAD_ANNOTATION = "bad-annotation"
    # one container
    EXCLUDED = "excluded"
    ALREADY_WRAPPED = "already-wrapped"
    HAS_INIT = "has-init"
    NEEDS_PID_1 = "needs-pid-1"
    INIT_CONTAINER = "init-container"
    NO_COMMAND = "no-command"
    # one container whose image had to be looked up
    NEVER_PULLED = "never-pulled"
    LOOKUP_OFF = "lookup-off"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not-found"
    RATE_LIMITED = "rate-limited"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed-out"
    BAD_ANSWER = "bad-answer"
    PLATFORMS_DISAGREE = "platforms-disagree"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a reason tells a person; `remedy` is "" where nothing needs a hand."""

    sentence: str
    remedy: str = ""


LONGEST_WARNING = 120
# An annotation's name is at most 63 characters, "entrypoint." among them; a container's is 63.
_LONGEST_ANNOTATED = 52
_BY_COMMAND = "set `command:`"
_BY_HAND = f"{_BY_COMMAND} or annotate initshim.dev/entrypoint.{{container}}"

MEANINGS: dict[Reason, Meaning] = {
    Reason.OPTED_OUT: Meaning('the pod says initshim.dev/inject: "false"'),
    Reason.WINDOWS: Meaning("a Windows pod has no PID 1 and no zombies"),
    Reason.HOST_PID: Meaning("with hostPID the node's own init reaps"),
    Reason.SHARED_PROCESS_NAMESPACE: Meaning("the pause container is PID 1 and reaps already"),
    Reason.MIRROR_POD: Meaning("a mirror pod only shows what a kubelet runs from a file"),
    Reason.RUNTIME_CLASS: Meaning("the pod's runtime class is configured as left alone"),
    Reason.NAME_TAKEN: Meaning(
        "the name initshim or the path /.initshim is taken",
        "rename what uses initshim or /.initshim",
    ),
    Reason.BAD_ANNOTATION: Meaning("an annotation can't be understood", "correct the annotation"),
    Reason.EXCLUDED: Meaning("initshim.dev/exclude-containers names it"),
    Reason.ALREADY_WRAPPED: Meaning("it runs through the reaper already"),
    Reason.HAS_INIT: Meaning("it starts an init of its own"),
    Reason.NEEDS_PID_1: Meaning("its init system has to be PID 1 itself"),
    Reason.INIT_CONTAINER: Meaning("an init container that runs to completion"),
    Reason.NO_COMMAND: Meaning("neither the pod nor the image says what to run", _BY_COMMAND),
    Reason.NEVER_PULLED: Meaning(
        "imagePullPolicy: Never, so no registry knows the image's entrypoint", _BY_HAND
    ),
    Reason.LOOKUP_OFF: Meaning("asking its registry is switched off", _BY_HAND),
    Reason.UNAUTHORIZED: Meaning("the registry refused every credential", _BY_HAND),
    Reason.NOT_FOUND: Meaning("the registry has no such image", _BY_HAND),
    Reason.RATE_LIMITED: Meaning("the registry limits how often it is asked", _BY_HAND),
    Reason.UNREACHABLE: Meaning("the registry can't be reached", _BY_HAND),
    Reason.TIMED_OUT: Meaning("the registry did not answer in time", _BY_HAND),
    Reason.BAD_ANSWER: Meaning("the registry's answer can't be used", _BY_HAND),
    Reason.PLATFORMS_DISAGREE: Meaning(
        "the image's platforms run different programs",
        "select kubernetes.io/arch or set `command:`",
    ),
}


UNRESOLVED = frozenset(
    {
        Reason.NO_COMMAND,
        Reason.NEVER_PULLED,
        Reason.LOOKUP_OFF,
        Reason.UNAUTHORIZED,
        Reason.NOT_FOUND,
        Reason.RATE_LIMITED,
        Reason.UNREACHABLE,
        Reason.TIMED_OUT,
        Reason.BAD_ANSWER,
        Reason.PLATFORMS_DISAGREE,
    }
)
"""What the container would run could not be found out."""


def remedy(reason: Reason, container: str) -> str:
    """What a person can do about it, for that container; "" where nothing needs doing."""
    template = MEANINGS[reason].remedy
    if template == _BY_HAND and len(container) > _LONGEST_ANNOTATED:
        template = _BY_COMMAND
    return template.replace("{container}", container)


def warning(reason: Reason, container: str, todo: str = "") -> str:
    """Name container, reason and remedy in one line that the API server shows whole.

    `todo` stands for the reason's own remedy. Where all that is too long, the container's name is
    shortened, never reason or remedy.
    """
    todo = todo or remedy(reason, container)
    if len(_left_alone(container, reason, todo)) > LONGEST_WARNING and container in todo:
        todo = remedy(reason, "<name>")
    room = LONGEST_WARNING - len(_left_alone("", reason, todo))
    if len(container) > room:
        end = room // 3
        container = f"{container[: room - end - 1]}…{container[-end:]}"
    return _left_alone(container, reason, todo)


def _left_alone(container: str, reason: Reason, todo: str) -> str:
    return f"initshim left {container} alone ({reason}): {todo}"
