"""What a wrapped container's author should know: the few things that the wrapping changes.

Said only where it is certain: a warning that is wrong costs more than one that is missing.
"""

import re
from collections.abc import Sequence

from webhook.core import shell
from webhook.core.argv import ImageConfig, effective
from webhook.core.container import Container
from webhook.core.reasons import LONGEST_WARNING

# What of /proc/1 is the program's own; its descriptors, root and environment are as they were.
_LOOKS_AT_PID_1 = re.compile(
    "/proc/+1/(?:[.]?/)*(comm|exe|cmdline|maps|smaps|stat|status|task)($|[^a-z])"
)
# In two steps, each in one pass: a pattern of both would begin anew at each `ps`.
_RUNS_PS = re.compile("(?:^|[^a-z])ps ")
_ABOUT_1 = re.compile("(?:-[pq] ?|--q?pid[ =])1(?:$|[^0-9])")
_LONGEST_LOOKED_AT = 16_384  # characters of a probe's command

# A command that is over at once: a shell that has it as its last one is still there until then.
_OVER_AT_ONCE = frozenset({"true", ":", "exit", "false", "echo", "printf", "return"})
# With one of these a shell may hand over, wait, or run for ever: nothing is certain any more.
_UNCERTAIN = frozenset(
    {"exec", "trap", "wait", "while", "until", "for", "case", "if", "eval", ".", "source", "set"}
)
_LINGERS = re.compile("-[a-z]*l|--linger")
_BACKGROUND = re.compile("(^|[^&>])&($|[^&>])")


def of_container(
    container: Container, image: ImageConfig | None, options: Sequence[str]
) -> list[str]:
    """Give the sentences for one container that is to be wrapped, each short enough to be shown.

    `image` is there where the pod gives no command, `options` are the reaper's.
    """
    said: list[str] = []
    fields = container.fields
    # Many have none, and run no shell: it costs less to see that here than there.
    if fields.liveness_probe or fields.readiness_probe or fields.startup_probe or fields.lifecycle:
        for place, command in _own_commands(container):
            if looks_at_pid_1(command):
                what = f"{place} looks at PID 1, which is the reaper now: use `pgrep -x PROGRAM`"
                said.append(_sentence(container.name, what))
    command = container.command or effective((), container.args, image)
    if (
        shell.runs_another(command)
        and ends_with_its_shell(effective(container.command, container.args, image))
        and not any(map(_LINGERS.match, options))
    ):
        what = "SIGTERM ends its shell, and all: use `exec`, or initshim.dev/options: -g -l 5"
        said.append(_sentence(container.name, what))
    return said


def applied_again() -> str:
    """The sentence for a pod without a controller that `kubectl apply` made."""
    return (
        "initshim: a second `kubectl apply` of this pod is refused, as its command changed: "
        "use `kubectl replace --force`"
    )


def looks_at_pid_1(command: Sequence[str]) -> bool:
    """Tell whether a probe's or a hook's command reads what PID 1 is, or has ps tell it."""
    words = [word[:_LONGEST_LOOKED_AT] for word in command[: shell.MOST_WORDS]]
    if any("/proc/" in word and _LOOKS_AT_PID_1.search(word) for word in words):
        return True
    asked = " ".join(words)[:_LONGEST_LOOKED_AT]
    return "ps " in asked and any(map(_asks_ps, re.split("[|;&\n]", asked)))


def _asks_ps(command: str) -> bool:
    ps = _RUNS_PS.search(command)
    return bool(ps and _ABOUT_1.search(command, ps.end()))


def ends_with_its_shell(argv: Sequence[str]) -> bool:
    """Tell whether a shell stays in front of the program for certain: `sh -c 'app; true'`.

    As PID 1 it ignored SIGTERM, having no handler (pid_namespaces(7)); behind the reaper it dies
    of it, and the program with the container.
    """
    words = shell.behind_prefixes(argv[: shell.MOST_WORDS])
    found = shell.script_of(words) if words else None
    if found is None or len(found[0]) > shell.LONGEST_SCRIPT:
        return False
    inside = list(shell.simple_commands(found[0]))
    programs = [words[0] for words in inside]
    return (
        len(programs) > 1
        and programs[-1] in _OVER_AT_ONCE
        and not _OVER_AT_ONCE.issuperset(programs)
        and _UNCERTAIN.isdisjoint(word for words in inside for word in words)
        and not _BACKGROUND.search(found[0])
    )


def _own_commands(container: Container) -> Sequence[tuple[str, Sequence[str]]]:
    fields = container.fields
    hooks = fields.lifecycle
    handlers = (
        ("livenessProbe", fields.liveness_probe),
        ("readinessProbe", fields.readiness_probe),
        ("startupProbe", fields.startup_probe),
        ("postStart hook", hooks and hooks.post_start),
        ("preStop hook", hooks and hooks.pre_stop),
    )
    return [
        (place, handler.exec.command)
        for place, handler in handlers
        if handler and handler.exec and handler.exec.command
    ]


def _sentence(container: str, what: str) -> str:
    room = LONGEST_WARNING - len(f"initshim: : {what}")
    if len(container) > room:
        container = f"{container[: room - 1]}…"
    return f"initshim: {container}: {what}"
