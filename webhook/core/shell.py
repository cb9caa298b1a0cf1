"""What a container's argv runs: through programs that only run another one, and a shell's `-c`.

Nothing is expanded: a shell's variables, globs and substitutions stay as they are written.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SHELLS = frozenset(
    {"sh", "bash", "rbash", "dash", "ash", "ksh", "mksh", "lksh", "yash", "zsh", "fish"}
)
MULTI_CALL = frozenset({"busybox", "busybox.static", "toybox"})
"""Programs whose first word names the one of theirs to be."""
LOGINS = frozenset({"su", "runuser"})
"""Programs that hand the value of `-c` to a user's shell."""

_MOST_LEVELS = 4  # of a shell in a shell, or a program that runs one that runs one
# What a script becomes stands at its end: that many characters, and commands, of it are read.
LONGEST_SCRIPT = 4096
_MOST_COMMANDS = 32
MOST_WORDS = 64
"""Words of an argv that are looked at: who hides an init behind more of them has two."""

_WORD = r"""(?:[^\s'"\\;&|()<>]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+"""
_TOKEN = re.compile(
    rf"""(?sx)
    (?P<comment> (?<![^\s;&|()]) \#[^\n]* )
    | (?P<redirection> (?: \d+ | & )? [<>]+ [&|]? [^\S\n]* (?: {_WORD} )? )
    | (?P<end> [;&|()\n] )
    | (?P<word> {_WORD} )
    """
)
_QUOTED = re.compile(r"""(?s)'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)""")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_SPLIT = re.compile(r"-[iv0]*S|--split-string")  # of env: its value is words
_GLUED_SPLIT = re.compile(r"(?:-[iv0]*S|--split-string=)(?=.)", re.DOTALL)
_ENV_WORD = re.compile(r"""(?s)(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+""")
_KEYWORDS = frozenset({"if", "then", "elif", "else", "while", "until", "do", "!", "{", "time"})


@dataclass(frozen=True, slots=True)
class Prefix:
    """A program that runs the one behind its options: which of those take a value of their own.

    `short` are letters, `long` names; `operands` counts the words before the program's name.
    """

    short: str = ""
    long: frozenset[str] = frozenset()
    operands: int = 0


def _long(names: str) -> frozenset[str]:
    return frozenset(names.split())


PREFIXES: dict[str, Prefix] = {
    "env": Prefix("uCa", _long("unset chdir argv0")),
    "sudo": Prefix("CDghpRrTtUu", _long("chdir chroot group host prompt role type user")),
    "doas": Prefix("Cu"),
    "gosu": Prefix(operands=1),
    "su-exec": Prefix(operands=1),
    "setuidgid": Prefix(operands=1),
    "s6-setuidgid": Prefix(operands=1),
    "with-contenv": Prefix(),
    "setpriv": Prefix(
        long=_long(
            "ambient-caps apparmor-profile bounding-set egid euid groups inh-caps landlock-access "
            "landlock-rule pdeathsig ptracer regid reuid rgid rgid ruid seccomp-filter securebits "
            "selinux-label"
        )
    ),
    "chpst": Prefix("uUbe/nlLmdopfctrC"),
    "exec": Prefix("a"),
    "command": Prefix(),
    "nohup": Prefix(),
    "setsid": Prefix(),
    "nice": Prefix("n", _long("adjustment")),
    "ionice": Prefix("cn", _long("class classdata")),
    "stdbuf": Prefix("ioe", _long("input output error")),
    "chroot": Prefix(long=_long("userspec groups"), operands=1),
    "taskset": Prefix(operands=1),
    "timeout": Prefix("ks", _long("kill-after signal"), operands=1),
    "chrt": Prefix("TPD", operands=1),
    "prlimit": Prefix(),
    "numactl": Prefix("imNCpP", _long("interleave membind cpunodebind physcpubind preferred")),
    "setarch": Prefix(operands=1),
    "linux32": Prefix(),
    "linux64": Prefix(),
    "unshare": Prefix("SGRw", _long("setuid setgid root wd setgroups propagation")),
}
"""Programs that become, or wait for, the one that they name."""

FRONT = frozenset({*SHELLS, *PREFIXES, *MULTI_CALL, *LOGINS})
"""Programs that run another one, which their words name."""

_APPLET = Prefix()
_RUNUSER = Prefix("ugGs", _long("user group supp-group shell"))

BUILTINS = frozenset({"exec", "command"})
"""Those of them that only a shell knows."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command that an argv comes to: `words` begin with its program.

    `first` is True for what the container itself becomes: the first command, and what a shell
    execs.
    """

    words: Sequence[str]
    first: bool


def base_name(path: str) -> str:
    """Give what stands behind the last slash, as posixpath does at five times the cost."""
    return path.rpartition("/")[2]


def commands(argv: Sequence[str]) -> Iterator[Command]:
    """Give every command that an argv runs in plain sight, in their order."""
    return _commands(list(argv[:MOST_WORDS]), first=True, levels=_MOST_LEVELS)


def runs_another(argv: Sequence[str]) -> bool:
    """Tell whether the first word is a shell, or a program that runs the one behind it."""
    return bool(argv) and argv[0].rpartition("/")[2] in FRONT


def script_of(words: Sequence[str]) -> tuple[str, Sequence[str]] | None:
    """Give a shell's `-c` string and the words behind it; None for anything else."""
    if base_name(words[0]) in MULTI_CALL:
        words = words[1:]
    if not words or base_name(words[0]) not in SHELLS:
        return None
    wants_script = False
    at = 1
    while at < len(words) and words[at][:1] in ("-", "+") and len(words[at]) > 1:
        word = words[at]
        at += 1
        if word == "--":
            break
        if word.startswith("--"):
            continue
        wants_script = wants_script or (word[0] == "-" and "c" in word)
        at += word[-1] in "oO"  # the value of `-o pipefail`, also in `-euo pipefail`
    return (words[at], words[at + 1 :]) if wants_script and at < len(words) else None


def _script_of_login(words: Sequence[str]) -> tuple[str, Sequence[str]] | None:
    if base_name(words[0]) not in LOGINS:
        return None
    for at, word in enumerate(words[:-1]):
        if word in ("-c", "--command", "--session-command"):
            return words[at + 1], ()
    return None


def simple_commands(script: str) -> Iterator[list[str]]:
    """Split a script at its operators into commands, and those into words, quotes taken off."""
    words: list[str] = []
    for token in _TOKEN.finditer(script[-LONGEST_SCRIPT:]):
        if token["word"] is not None:
            words.append(_unquoted(token["word"]))
        elif token["end"] is not None and words:
            yield words
            words = []
    if words:
        yield words


def _commands(words: Sequence[str], *, first: bool, levels: int) -> Iterator[Command]:
    words = behind_prefixes(words)
    if not words:
        return
    script = (script_of(words) or _script_of_login(words)) if levels else None
    if script is None:
        yield Command(words, first)
        return
    text, behind = script
    inside = list(simple_commands(text))
    for number, inner in [*enumerate(inside)][-_MOST_COMMANDS:]:
        while inner and (inner[0] in _KEYWORDS or _ASSIGNMENT.match(inner[0])):
            del inner[0]
        becomes = first and (number == 0 or inner[:1] == ["exec"])
        yield from _commands(inner, first=becomes, levels=levels - 1)
    if behind[1:]:  # the first one is the script's `$0`
        yield from _commands(behind[1:], first=first and '"$@"' in text, levels=levels - 1)


def behind_prefixes(words: Sequence[str]) -> Sequence[str]:
    """Give the words from the program on that the leading ones run."""
    start, splits = 0, 0
    while start < len(words) and (prefix := _prefix_at(words, start)):
        if words[start] == "command" and words[start + 1 : start + 2] in (["-v"], ["-V"]):
            return ()  # it only tells where the program is
        at, text = _behind_options(words, start, prefix)
        if text is not None and splits < _MOST_LEVELS:
            words = [*_split(text), *words[at:]][:MOST_WORDS]
            start, splits = 0, splits + 1
        else:
            start = at + prefix.operands
    return words[start:]


def _prefix_at(words: Sequence[str], at: int) -> Prefix | None:
    """Give what stands there if it runs another program; of busybox, its applet's ways."""
    name = base_name(words[at])
    if name in MULTI_CALL and at + 1 < len(words) and words[at + 1] in PREFIXES:
        return _APPLET
    if name == "runuser" and any(word in ("-u", "--user") for word in words[at:]):
        return _RUNUSER
    return PREFIXES.get(name)


def _split(text: str) -> list[str]:
    """Split as `env -S` does: at blanks, quotes taken off; what else a shell knows is a letter."""
    return [_unquoted(word) for word in _ENV_WORD.findall(text[:LONGEST_SCRIPT])]


def _behind_options(words: Sequence[str], start: int, prefix: Prefix) -> tuple[int, str | None]:
    """Give where a prefix's options end, and the string among them that env takes for words."""
    name = base_name(words[start])
    at = start + 1
    while at < len(words) and _is_option(words[at], name):
        word = words[at]
        at += 1
        if word == "--":
            break
        if name == "env" and _SPLIT.fullmatch(word) and at < len(words):
            return at + 1, words[at]
        if name == "env" and (glued := _GLUED_SPLIT.match(word)):
            return at, word[glued.end() :]
        at += _takes_next(word, prefix)
    return at, None


def _is_option(word: str, name: str) -> bool:
    by_name = (name in ("env", "sudo") and _ASSIGNMENT.match(word)) or (name, word) == ("env", "-")
    return bool(by_name) or (word.startswith("-") and len(word) > 1)


def _takes_next(option: str, prefix: Prefix) -> bool:
    """Tell whether the option's value is the next word: not `-u0`, not `--reuid=0`.

    Of letters in one word the first that has a value has all that is left of it (getopt(3)).
    """
    if option.startswith("--"):
        return option[2:] in prefix.long
    if not option.startswith("-"):
        return False
    ends = (at for at, letter in enumerate(option) if letter in prefix.short)
    return next(ends, -1) == len(option) - 1


def _unquoted(word: str) -> str:
    return _QUOTED.sub(lambda m: next(part for part in m.groups() if part is not None), word)
