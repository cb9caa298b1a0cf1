"""Which init an argv starts, `inits.find`, as far as CEL can tell.

CEL reads no shell. Where a shell or a program that runs another one comes first, it is enough
that no word can be an init's; where one could be, the container is left to the webhook.
"""

from webhook.core import inits, shell
from webhook.core.argv import INIT
from webhook.core.cel.literals import Code, basename, literal
from webhook.core.reasons import Reason

WRAPPED = "wrapped"

RUNS_OTHERS = tuple(sorted(shell.FRONT))
# What can stand in a program's name or path. Anything else, quotes too, may be a word's end.
_PART = "[A-Za-z0-9_./-]"
_END = "[^A-Za-z0-9_./-]"
# Quotes and backslashes within a word: the shell takes them away, and another word is left.
_GLUE = f"{_PART}['\"\\\\]+{_PART}"


def fate(argv: str, added: Code) -> str:
    """Give `wrapped`, `has-init`, `needs-pid-1` or `left-to-webhook` for a list of words.

    `added` is the list of the administrator's own init systems.
    """
    has_init, needs_pid_1 = literal(Reason.HAS_INIT), literal(Reason.NEEDS_PID_1)
    wrapped, left = literal(WRAPPED), literal(Reason.LEFT_TO_WEBHOOK)
    text = f'{argv}.join("\\n")'
    name = basename(f"{argv}[0]")
    return (
        f"{argv}.size() == 0 ? {literal(Reason.NO_COMMAND)}\n"
        f": {argv}[0] == {literal(INIT)} ? {has_init}\n"
        f": ![{text}].map(t, {_ends('t')}).exists(t, ({literal(inits.HINTS)} + {added})"
        f".exists(h, t.contains(h))) ? {wrapped}\n"
        f": {name} in {literal(RUNS_OTHERS)}\n"
        f"  ? ({text}.matches({literal(_GLUE)}) || {text}.matches({literal(_any_init())})\n"
        f"    || {added}.exists(h, {text}.contains(h)) ? {left} : {wrapped})\n"
        f": {name}.matches({literal(inits.INIT_NAME)}) ? {has_init}\n"
        f": {_is_system(argv, '0', f'{argv}[0]', added)} ? {needs_pid_1}\n"
        f": {name} in {literal(inits.NEVER_RUN)} ? {wrapped}\n"
        f": {argv}.exists(at, w, at > 0 && {_is_system(argv, 'at', 'w', added)}) ? {needs_pid_1}\n"
        f": {wrapped}"
    )


def _ends(text: str) -> str:
    """Give the two ends of a text that `inits.find` searches; all of it where it is short."""
    most = inits.LONGEST_TEXT
    begin, end = f"{text}.substring(0, {most})", f"{text}.substring({text}.size() - {most})"
    return f"{text}.size() > {most} ? {begin} + {end} : {text}"


def _any_init() -> str:
    """Give a pattern that finds every word in a text that `inits.find` could take for an init."""
    programs = (*inits.INITS, *inits.SYSTEMS)
    names = "|".join(each.name for each in programs if each.name)
    paths = "|".join(sorted(inits.SYSTEM_PATHS))
    return f"(?:^|{_END}|/)(?:{names})(?:{_END}|$)|(?:^|{_END})(?:{paths})(?:{_END}|$)"


def _is_system(argv: str, at: str, word: str, added: Code) -> str:
    """`inits._is_system`."""
    name = basename(word)
    subcommands = " : ".join(
        f"{name} == {literal(program)} ? {at} + 1 < {argv}.size()"
        f" && {argv}[{at} + 1] in {literal(words)}"
        for program, words in inits.SUBCOMMANDS.items()
    )
    counts = (
        f'({word}.contains("/") ? {word}.matches({literal(inits.SYSTEM_ARGUMENT)})'
        f" || {name} in {added}"
        f' : !{argv}[{at} - 1].startsWith("-") || {argv}[{at} - 1] == "--")'
    )
    known = f"({name}.matches({literal(inits.SYSTEM_NAME)}) || {name} in {added})"
    return (
        f"({word} in {literal(inits.SYSTEM_PATHS)}"
        f' || ({word}.startsWith("/") && {word} in {added})'
        f" || ({subcommands} : {known}{'' if at == '0' else f' && {counts}'}))"
    )
