"""Why a pod or a container is left alone: the one table that all others follow from.

A reason has one key everywhere: label of metrics, warning, log field, status annotation, docs.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Self


class Kind(Enum):
    """What a reason is about, and so where it is found out."""

    POD = "the whole pod, by its fields"
    CONTAINER = "one container, by its fields or by what it runs"
    LOOKUP = "one container, whose image's configuration could not be had"


@dataclass(frozen=True, slots=True)
class Administration:
    """What the cluster's administrator can do about a reason, for all pods at once.

    `page` is the link that explains it, `value` the chart's value that does it, which may hold
    `{namespace}`; "" where there is none.
    """

    todo: str
    page: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a reason says, and what follows from it.

    `remedy` is what a pod's author can do, "" where nothing needs a hand; it may hold
    `{container}`. `unresolved`: nobody could tell what the container runs, so that
    `onUnresolved: deny` refuses the pod. `usual`: true of most pods, and not worth a note.
    `outage`: the registry fails, not the image; an alert counts these.
    """

    kind: Kind
    sentence: str
    remedy: str = ""
    administration: Administration | None = None
    unresolved: bool = False
    usual: bool = False
    outage: bool = False

    @property
    def needs_hand(self) -> bool:
        """Whether somebody has to do something: it is warned of."""
        return bool(self.remedy)


LONGEST_WARNING = 120  # characters; see response.py
# An annotation's name is at most 63 characters, "entrypoint." among them; a container's is 63.
_LONGEST_ANNOTATED = 52
_BY_COMMAND = "set `command:`"
_BY_HAND = f"{_BY_COMMAND} or annotate initshim.dev/entrypoint.{{container}}"


def _pod(sentence: str, remedy: str = "") -> Meaning:
    return Meaning(kind=Kind.POD, sentence=sentence, remedy=remedy)


def _container(
    sentence: str, remedy: str = "", *, unresolved: bool = False, usual: bool = False
) -> Meaning:
    return Meaning(
        kind=Kind.CONTAINER, sentence=sentence, remedy=remedy, unresolved=unresolved, usual=usual
    )


def _lookup(
    sentence: str, administration: Administration | None = None, *, outage: bool = False
) -> Meaning:
    return Meaning(
        kind=Kind.LOOKUP,
        sentence=sentence,
        remedy=_BY_HAND,
        administration=administration,
        unresolved=True,
        outage=outage,
    )


class Reason(StrEnum):
    """The public name of a reason, which never changes its meaning; and that meaning."""

    meaning: Meaning

    def __new__(cls, key: str, meaning: Meaning | None = None) -> Self:
        """Make an entry of the table. The default is for mypy, which takes `Reason(key)` for it."""
        if meaning is None:
            raise TypeError(f"the reason {key} has no meaning")
        reason = str.__new__(cls, key)
        reason._value_ = key
        reason.meaning = meaning
        return reason

    OPTED_OUT = "opted-out", _pod('the pod says initshim.dev/inject: "false"')
    WINDOWS = "windows", _pod("what runs on Windows has no PID 1 and no zombies")
    HOST_PID = "host-pid", _pod("with hostPID the node's own init reaps")
    SHARED_PROCESS_NAMESPACE = (
        "shared-process-namespace",
        _pod("the pause container is PID 1 and reaps already"),
    )
    MIRROR_POD = "mirror-pod", _pod("a mirror pod only shows what a kubelet runs from a file")
    RUNTIME_CLASS = "runtime-class", _pod("the pod's runtime class is configured as left alone")
    NAME_TAKEN = (
        "name-taken",
        _pod(
            "the name initshim or the path /.initshim is taken",
            "rename what uses initshim or /.initshim",
        ),
    )
    BAD_ANNOTATION = (
        "bad-annotation",
        _pod("an annotation can't be understood", "correct the annotation"),
    )
    EXCLUDED = "excluded", _container("initshim.dev/exclude-containers names it")
    ALREADY_WRAPPED = "already-wrapped", _container("it runs through the reaper already")
    HAS_INIT = "has-init", _container("it starts an init of its own")
    NEEDS_PID_1 = "needs-pid-1", _container("its init system has to be PID 1 itself")
    INIT_CONTAINER = (
        "init-container",
        _container("an init container that runs to completion", usual=True),
    )
    IMAGE_SWAPPED = (
        "image-swapped",
        _container("its image is swapped in place, and with it what it runs"),
    )
    NO_COMMAND = (
        "no-command",
        _container("neither the pod nor the image says what to run", _BY_COMMAND, unresolved=True),
    )
    NEVER_PULLED = (
        "never-pulled",
        _lookup("imagePullPolicy: Never, so no registry knows the image's entrypoint"),
    )
    LOOKUP_OFF = (
        "lookup-off",
        _lookup(
            "asking its registry is switched off",
            Administration("say what images run", "registries.md#air-gap-without-one"),
        ),
    )
    UNAUTHORIZED = (
        "unauthorized",
        _lookup(
            "the registry refused every credential",
            Administration(
                "let it read the pods' pull secrets (the value is the whole list)",
                "registries.md#which-credentials-are-tried",
                "'registry.pullSecretNamespaces={{{namespace}}}'",
            ),
        ),
    )
    NOT_FOUND = "not-found", _lookup("the registry has no such image")
    RATE_LIMITED = (
        "rate-limited",
        _lookup(
            "the registry limits how often it is asked",
            Administration(
                "give it credentials of its own, or a mirror",
                "registries.md#rate-limits",
                "registry.dockerConfigSecret=SECRET",
            ),
            outage=True,
        ),
    )
    UNREACHABLE = (
        "unreachable",
        _lookup(
            "the registry can't be reached",
            Administration(
                "open its egress, give it the registry's CA, a mirror or a proxy",
                "registries.md#inside-the-cluster-plain-http-private-networks",
                "env.HTTPS_PROXY=http://PROXY:PORT",
            ),
            outage=True,
        ),
    )
    TIMED_OUT = (
        "timed-out",
        _lookup(
            "the registry did not answer in time",
            Administration(
                "open its egress, give it a mirror or a proxy",
                "registries.md#mirrors",
                "env.HTTPS_PROXY=http://PROXY:PORT",
            ),
            outage=True,
        ),
    )
    BAD_ANSWER = "bad-answer", _lookup("the registry's answer can't be used", outage=True)
    LEFT_TO_WEBHOOK = (
        "left-to-webhook",
        _container(
            "the admission policy can't tell what it runs, and no webhook answered",
            _BY_COMMAND,
            unresolved=True,
        ),
    )
    PLATFORMS_DISAGREE = (
        "platforms-disagree",
        _container(
            "the image's platforms run different programs",
            "select kubernetes.io/arch or set `command:`",
            unresolved=True,
        ),
    )


UNRESOLVED = frozenset(reason for reason in Reason if reason.meaning.unresolved)
"""What the container would run could not be found out."""

UNREAD = frozenset(reason for reason in Reason if reason.meaning.kind is Kind.LOOKUP)
"""The image's configuration could not be had."""


def remedy(reason: Reason, container: str) -> str:
    """What a person can do about it, for that container; "" where nothing needs doing."""
    template = reason.meaning.remedy
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
