"""What CEL leaves to the webhook: which pods, whole, and why.

Each limit is a name, which is also its matchCondition's, the condition under which the policy
takes the pod, and the sentence for people. `docs/engines.md` has them from it.
"""

from dataclasses import dataclass

from webhook.core import annotations
from webhook.core.annotations import ENTRYPOINT, EXCLUDE, INCLUDE_INIT, INJECT, OFF, ON, OPTIONS
from webhook.core.cel import options
from webhook.core.cel.literals import all_of, literal
from webhook.core.cel.paths import CLIMBS
from webhook.core.cel.pods import ALL, ANNOTATIONS, LABELS, VOLUMES
from webhook.core.container import LONGEST_NAME
from webhook.core.ours import LONGEST_PATH

# What CEL's budget is for, with room: tests/integration/controlplane/test_the_policys_cost.py.
MOST_CONTAINERS = 64
MOST_VOLUMES = 512
MOST_MOUNTS = 512  # of all containers
MOST_WORDS = 2048  # of all commands and args
LONGEST_ARGVS = 32_768  # characters of all commands and args

# A JSON list of strings that hold neither quotes nor escapes: what is between the quotes is what
# is meant.
PLAIN_WORD = '"[^"\\\\\\x00-\\x1f]*"'
_SPACE = "[ \\t\\r\\n]*"
PLAIN_LIST = (
    f"^{_SPACE}\\[{_SPACE}{PLAIN_WORD}(?:{_SPACE},{_SPACE}{PLAIN_WORD})*{_SPACE}\\]{_SPACE}$"
)
_PLAIN_NAMES = "^[a-z0-9, -]*$"
_PLAIN_NAME = f"^[a-z0-9-]{{1,{LONGEST_NAME}}}$"


@dataclass(frozen=True, slots=True)
class Limit:
    """Under `condition` the policy takes a pod; otherwise `sentence` says why it doesn't."""

    name: str
    condition: str
    sentence: str


def limits() -> tuple[Limit, ...]:
    """Give all of them."""
    return (
        Limit(
            "annotations-it-can-read",
            _readable_annotations(),
            f"An annotation under `{annotations.PREFIX}` can't be understood, or is written so "
            "that CEL can't read it: an entrypoint with escapes (`\\`) in it, options with quotes.",
        ),
        Limit(
            "few-and-short",
            _few_and_short(),
            f"It has more than {MOST_CONTAINERS} containers, {MOST_VOLUMES} volumes or "
            f"{MOST_MOUNTS} mounts, or `command` and `args` of more than {MOST_WORDS:,} words or "
            f"{LONGEST_ARGVS:,} characters in all: CEL has a budget.",
        ),
        Limit(
            "plain-names-and-paths",
            f"{ALL}.all(c, c.name.matches({literal(_PLAIN_NAME)})\n"
            f"&& c.?volumeMounts.orValue([]).all(m, {_plain('m.mountPath')})\n"
            f"&& c.?volumeDevices.orValue([]).all(d, {_plain('d.devicePath')}))",
            "A container's name is not one that Kubernetes allows, or something is mounted at a "
            f"path with `..` in it, or one longer than {LONGEST_PATH} characters.",
        ),
    )


def _plain(path: str) -> str:
    return f"{path}.size() <= {LONGEST_PATH} && !{path}.matches({literal(CLIMBS)})"


def _readable_annotations() -> str:
    known = (INJECT, EXCLUDE, INCLUDE_INIT, OPTIONS, annotations.STATUS)
    entrypoint = f"k.startsWith({literal(ENTRYPOINT)})"
    switches = literal([*ON, *OFF])

    def value(key: str, default: str = "", holder: str = ANNOTATIONS) -> str:
        return f"{holder}[?{literal(key)}].orValue({literal(default)})"

    return all_of(
        (
            (
                f"{ANNOTATIONS}.all(k, !k.startsWith({literal(annotations.PREFIX)})"
                f" || k in {literal(known)}"
                f" || {entrypoint} && {ANNOTATIONS}[k].matches({literal(PLAIN_LIST)})"
                f" && {ANNOTATIONS}[k].findAll({literal(PLAIN_WORD)}).size()"
                f" <= {annotations.MOST_WORDS})"
            ),
            *(f"{value(INJECT, ON[0], each)} in {switches}" for each in (ANNOTATIONS, LABELS)),
            f"{value(INCLUDE_INIT, ON[0])} in {switches}",
            f"{value(EXCLUDE)}.matches({literal(_PLAIN_NAMES)})",
            *options.readable(),
        )
    )


def _few_and_short() -> str:
    words = "c.?command.orValue([]) + c.?args.orValue([])"
    return all_of(
        (
            f"{ALL}.size() <= {MOST_CONTAINERS}",
            f"{VOLUMES}.size() <= {MOST_VOLUMES}",
            f"{ALL}.map(c, c.?volumeMounts.orValue([])).flatten().size() <= {MOST_MOUNTS}",
            f"{ALL}.map(c, {words}).flatten().size() <= {MOST_WORDS}",
            f'{ALL}.map(c, ({words}).join("")).join("").size() <= {LONGEST_ARGVS}',
        )
    )
