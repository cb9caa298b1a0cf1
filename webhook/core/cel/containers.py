"""What becomes of each container, `policy.plan`: a reason's name, or `wrapped`."""

from dataclasses import dataclass

from webhook.core import inits
from webhook.core.annotations import ENTRYPOINT, EXCLUDE, INCLUDE_INIT, ON
from webhook.core.argv import INIT
from webhook.core.cel import argvs
from webhook.core.cel.limits import PLAIN_WORD
from webhook.core.cel.literals import Code, all_of, any_of, literal
from webhook.core.cel.paths import has_our_mount, is_image_volume, is_our_volume, path_taken
from webhook.core.cel.pods import (
    ANNOTATIONS,
    CONTAINERS,
    INIT_CONTAINERS,
    VOLUMES,
    is_ours,
)
from webhook.core.ours import NAME
from webhook.core.reasons import Reason

OURS = "ours"  # our own init container, which no list of containers counts

EXCLUDED = (
    f'{ANNOTATIONS}[?{literal(EXCLUDE)}].orValue("").split(",").map(w, w.trim()).filter(w, w != "")'
)
INCLUDES_INIT = f'{ANNOTATIONS}[?{literal(INCLUDE_INIT)}].orValue("") in {literal(ON)}'


@dataclass(frozen=True, slots=True)
class Rules:
    """What the administrator decided, each in CEL.

    `runtime_classes` is a pattern; `init_systems` a list of words; `images` a condition ladder that
    gives `[ENTRYPOINT, CMD]` for the image of the container `c`, or `[]`; `unknown` is the reason
    where nothing says what a container runs.
    """

    runtime_classes: Code
    init_systems: Code
    images: Code
    unknown: Code


def has_command(container: str) -> str:
    """Tell whether the pod itself says what the container runs."""
    return f"{container}.?command.orValue([]).size() > 0"


def is_wrapped(container: str) -> str:
    """`ours.is_wrapped`."""
    return f"({has_command(container)} && {container}.command[0] == {literal(INIT)})"


def tells_of_system(container: str) -> str:
    """`inits.init_system_of_pod`."""
    signal = f'{container}.?lifecycle.?stopSignal.orValue("") in {literal(inits.STOP_SIGNALS)}'
    name = f"e.name.matches({literal(f'^{inits.VARIABLES}$')})"
    return f"({signal} || {container}.?env.orValue([]).exists(e, {name}))"


def known(rules: Rules) -> str:
    """Give `[ENTRYPOINT, CMD]` for the container `c`; `[]` where nobody told, or nobody asked."""
    key = f"{literal(ENTRYPOINT)} + c.name"
    by_hand = (
        f"annotations[{key}].findAll({literal(PLAIN_WORD)}).map(w, w.substring(1, w.size() - 1))"
    )
    by_hand = f"variables.{by_hand}"
    return (
        f"{has_command('c')} ? []\n"
        f": {key} in variables.annotations ? [{by_hand}, []]\n"
        f": variables.swapped ? []\n"
        f": {rules.images}"
    )


def argv(container: str, config: str) -> str:
    """`argv.effective`; `[]` where it is not known."""
    args = f"{container}.?args.orValue([])"
    entrypoint = f'({config}[0] == [""] ? [] : {config}[0])'
    return (
        f"{has_command(container)} ? {container}.command + {args}\n"
        f": {config}.size() == 0 ? []\n"
        f": {entrypoint} + ({args}.size() > 0 ? {args} : {config}[1])"
    )


def fate(rules: Rules) -> str:
    """Give what becomes of the container `c`, the `i`th of all."""
    by_argv = argvs.fate("variables.argvs[i]", rules.init_systems)
    return (
        f"i >= variables.apps && {is_ours('c')} ? {literal(OURS)}\n"
        f": {is_wrapped('c')} ? ({has_our_mount('c')} || !{path_taken('c')}\n"
        f"? {literal(Reason.ALREADY_WRAPPED)} : {literal(Reason.NAME_TAKEN)})\n"
        f": c.name in variables.excluded ? {literal(Reason.EXCLUDED)}\n"
        ': i >= variables.apps && c.?restartPolicy.orValue("") != "Always"'
        f" && !variables.includesInit ? {literal(Reason.INIT_CONTAINER)}\n"
        f": {path_taken('c')} ? {literal(Reason.NAME_TAKEN)}\n"
        f": !({has_command('c')}) && !({literal(ENTRYPOINT)} + c.name in variables.annotations)"
        f" && {tells_of_system('c')} ? {literal(Reason.NEEDS_PID_1)}\n"
        f": {has_command('c')} || variables.known[i].size() > 0\n"
        f"? ({by_argv})\n"
        f": variables.swapped ? {literal(Reason.IMAGE_SWAPPED)}\n"
        f': c.?imagePullPolicy.orValue("") == "Never" ? {literal(Reason.NEVER_PULLED)}\n'
        f": {rules.unknown}"
    )


def settled(rules: Rules) -> str:
    """Tell whether the webhook has nothing to add to a pod that the policy has changed.

    It goes by what the pod is, and not by its annotation, which anybody can write: where the policy
    did not do its work, the webhook is asked.
    """
    delivered = all_of(
        (
            f"{VOLUMES}.exists(v, {is_our_volume('v')})",
            any_of(
                (
                    f"{INIT_CONTAINERS}.exists(c, {is_ours('c')})",
                    f"{VOLUMES}.exists(v, v.name == {literal(NAME)} && {is_image_volume('v')})",
                )
            ),
        )
    )
    through = f"({is_wrapped('c')} && {has_our_mount('c')}\n&& {delivered})"
    skipped = f"c.name in {EXCLUDED}"
    has_init = (
        f"({has_command('c')} && !{path_taken('c')}\n"
        f"&& [c.command + c.?args.orValue([])].all(a, ({argvs.fate('a', rules.init_systems)})\n"
        f"in {literal([Reason.HAS_INIT, Reason.NEEDS_PID_1])}))"
    )
    app = f"{through}\n|| {skipped}\n|| {has_init}"
    to_completion = f'c.?restartPolicy.orValue("") != "Always" && !({INCLUDES_INIT})'
    return all_of(
        (
            f"{CONTAINERS}.all(c, {app})",
            f"{INIT_CONTAINERS}.all(c, {is_ours('c')}\n|| {to_completion}\n|| {app})",
        )
    )
