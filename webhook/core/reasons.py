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


_BY_HAND = "set `command:` or annotate initshim.dev/entrypoint.{container}"

MEANINGS: dict[Reason, Meaning] = {
    Reason.OPTED_OUT: Meaning('the pod says initshim.dev/inject: "false"'),
    Reason.WINDOWS: Meaning("a Windows pod has no PID 1 and no zombies"),
    Reason.HOST_PID: Meaning("with hostPID the node's own init reaps"),
    Reason.SHARED_PROCESS_NAMESPACE: Meaning("the pause container is PID 1 and reaps already"),
    Reason.MIRROR_POD: Meaning("a mirror pod only shows what a kubelet runs from a file"),
    Reason.RUNTIME_CLASS: Meaning("the pod's runtime class is configured as left alone"),
    Reason.NAME_TAKEN: Meaning(
        "something that is not ours uses the name initshim or the path /.initshim",
        "rename the container or volume called initshim",
    ),
    Reason.BAD_ANNOTATION: Meaning("an annotation can't be understood", "correct the annotation"),
    Reason.EXCLUDED: Meaning("initshim.dev/exclude-containers names it"),
    Reason.ALREADY_WRAPPED: Meaning("it runs through the reaper already"),
    Reason.HAS_INIT: Meaning("it starts an init of its own"),
    Reason.NEEDS_PID_1: Meaning("its init system has to be PID 1 itself"),
    Reason.INIT_CONTAINER: Meaning("an init container that runs to completion"),
    Reason.NO_COMMAND: Meaning("neither the pod nor the image says what to run", "set `command:`"),
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
        "select kubernetes.io/arch or annotate initshim.dev/entrypoint.{container}",
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
    return MEANINGS[reason].remedy.replace("{container}", container)
