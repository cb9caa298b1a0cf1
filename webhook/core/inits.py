"""Which programs are an init, and which have to be PID 1: one table for whoever needs it.

Patterns are of the kind that RE2 understands, too: no look-around, no back-references.
`docs/inits.md` is made from this table.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from webhook.core import shell
from webhook.core.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One init: `name` is a pattern of its base name, `paths` where the name says too little.

    With `subcommands` it counts only if the next word is one of them.
    """

    title: str
    name: str = ""
    paths: tuple[str, ...] = ()
    subcommands: tuple[str, ...] = ()
    source: str


INITS: tuple[Program, ...] = (
    Program(
        title="tini",
        name="tini(-static|-muslc)?(-(amd64|arm64|armel|armhf|i386|ppc64el|ppc64le|riscv64|s390x))?",
        source="https://github.com/krallin/tini",
    ),
    Program(
        title="dumb-init",
        name="dumb-init(_[0-9.]+_[a-z0-9_]+)?",
        source="https://github.com/Yelp/dumb-init",
    ),
    Program(
        title="catatonit",
        name="catatonit(\\.[a-z0-9_]+)?",
        source="https://github.com/openSUSE/catatonit",
    ),
    Program(
        title="docker-init, podman-init",
        name="(docker|podman)-init",
        source="https://docs.docker.com/reference/cli/docker/container/run/#init",
    ),
    Program(title="pid1", name="pid1", source="https://github.com/fpco/pid1"),
    Program(title="my_init", name="my_init", source="https://github.com/phusion/baseimage-docker"),
    Program(
        title="initshim's reaper",
        name="initshim-init",
        source="https://github.com/initshim/initshim",
    ),
)
"""Inits for containers: what they start needs no second one (`has-init`)."""

SYSTEMS: tuple[Program, ...] = (
    Program(
        title="s6-overlay",
        name="s6-overlay-suexec|s6-linux-init",
        paths=("/init", "/s6-init"),
        source="https://github.com/just-containers/s6-overlay",
    ),
    Program(
        title="s6-svscan", name="s6-svscan", source="https://skarnet.org/software/s6/s6-svscan.html"
    ),
    Program(title="systemd", name="systemd", source="https://systemd.io/CONTAINER_INTERFACE/"),
    Program(
        title="the distribution's init",
        paths=(
            "/sbin/init",
            "/bin/init",
            "/usr/sbin/init",
            "/usr/bin/init",
            "/usr/local/sbin/init",
            "/usr/local/bin/init",
            "/linuxrc",
        ),
        source="https://refspecs.linuxfoundation.org/FHS_3.0/fhs/ch03s16.html",
    ),
    Program(
        title="runit", name="runit|runit-init", source="https://smarden.org/runit/runit.8.html"
    ),
    Program(title="OpenRC", name="openrc-init", source="https://github.com/OpenRC/openrc"),
    Program(
        title="BusyBox' init",
        name="busybox",
        subcommands=("init", "linuxrc"),
        source="https://git.busybox.net/busybox/tree/init/init.c",
    ),
    Program(
        title="k3s, RKE2",
        name="k3s|rke2",
        subcommands=("server", "agent"),
        source="https://github.com/k3s-io/k3s/blob/master/pkg/cli/cmds/init_linux.go",
    ),
)
"""Programs that do their work only as PID 1, or refuse to start otherwise (`needs-pid-1`)."""

STOP_SIGNALS = ("SIGRTMIN+3", "RTMIN+3", "37")
"""systemd's order to halt: an image that asks for it runs systemd (systemd(1), SIGNALS)."""
PREFIX = "S6_"
"""What each of those variables begins with."""
VARIABLES = f"{PREFIX}[A-Z0-9_]+"
"""Names of variables that only s6-overlay reads (its README, Customizing)."""
LABELS: tuple[tuple[str, str], ...] = (("com.redhat.component", "ubi[0-9]+-init(-container)?"),)
"""Labels of images that are made around an init system: a name, and a pattern of the value."""

# Folders that hold programs: in an argument, /run/systemd is no program, /lib/systemd/systemd is.
PROGRAM_FOLDERS = "(.*/)?(bin|sbin|libexec|command|systemd)"

# Programs whose arguments are only read, written, printed, installed, or looked for.
NEVER_RUN = frozenset(
    {
        "[", "[[", "apk", "apt", "apt-get", "basename", "cat", "chmod", "chown", "cmp", "cp",
        "diff", "dirname", "dnf", "dpkg", "echo", "file", "find", "grep", "hash", "head",
        "journalctl", "kill", "killall", "ldd", "ln", "ls", "md5sum", "microdnf", "mkdir", "mv",
        "pgrep", "pidof", "pip", "pip3", "pkill", "printf", "ps", "readlink", "realpath", "rm",
        "rpm", "sed", "service", "sha256sum", "stat", "systemctl", "tail", "test", "touch",
        "type", "wc", "whereis", "which", "yum", "zypper",
    }
)  # fmt: skip
# Every program above has one of these in its name or path, so an argv with none has no init.
HINTS = ("init", "tini", "systemd", "runit", "s6-", "k3s", "rke2", "pid1", "catatonit", "linuxrc")


LONGEST_TEXT = 2 * shell.LONGEST_SCRIPT  # characters at either end of an argv that are searched


def _names(programs: Iterable[Program]) -> str:
    return "|".join(each.name for each in programs if each.name and not each.subcommands)


INIT_NAME = f"^(?:{_names(INITS)})$"
SYSTEM_NAME = f"^(?:{_names(SYSTEMS)})$"
SYSTEM_PATHS = frozenset(path for each in SYSTEMS for path in each.paths)
SYSTEM_ARGUMENT = f"^{PROGRAM_FOLDERS}/(?:{_names(SYSTEMS)})$"

_init_name = re.compile(INIT_NAME).fullmatch
_system_name = re.compile(SYSTEM_NAME).fullmatch
_system_argument = re.compile(SYSTEM_ARGUMENT).fullmatch
_variable = re.compile(f"^{VARIABLES}=").match
SUBCOMMANDS = {
    name: each.subcommands for each in SYSTEMS if each.subcommands for name in each.name.split("|")
}


@dataclass(frozen=True, slots=True)
class Found:
    """An init, or an init system, in an argv: the reason, and the word that names it."""

    reason: Reason
    word: str


def find(argv: Sequence[str], added: Sequence[str] = ()) -> Found | None:
    """Find an init where the container's program stands, an init system anywhere in the argv.

    `added` are the administrator's own init systems: base names, or paths. Words that are only
    printed or read don't count, nor what an option like `--config` or `-i systemd` is given.
    """
    argv = argv[: shell.MOST_WORDS]
    text = "\n".join(argv)
    if len(text) > LONGEST_TEXT:
        text = text[:LONGEST_TEXT] + text[-LONGEST_TEXT:]
    if not _holds_one(text, HINTS) and not (added and _holds_one(text, added)):
        return None
    for command in shell.commands(argv):
        name = shell.base_name(command.words[0])
        if command.first and _init_name(name):
            return Found(Reason.HAS_INIT, command.words[0])
        if _is_system(command.words, 0, added):
            return Found(Reason.NEEDS_PID_1, command.words[0])
        if name in NEVER_RUN:
            continue
        for at, word in enumerate(command.words[1:], 1):
            if (added or _holds_one(word, HINTS)) and _is_system(command.words, at, added):
                return Found(Reason.NEEDS_PID_1, command.words[at])
    return None


def init_system_of(stop_signal: str, variables: Iterable[str], labels: Mapping[str, str]) -> str:
    """Give what in an image's configuration tells of an init system, "" where nothing does."""
    if stop_signal.upper() in STOP_SIGNALS:
        return f"STOPSIGNAL {stop_signal}"
    for variable in variables:
        if _variable(variable):
            return variable.partition("=")[0]
    for name, pattern in LABELS:
        if re.fullmatch(pattern, labels.get(name, "")):
            return f"label {name}={labels[name]}"
    return ""


def init_system_of_pod(stop_signal: str, names: Iterable[str]) -> str:
    """Give what of a container's own stop signal and variables tells of one, "" where nothing does.

    The API server takes a signal's name in one spelling only.
    """
    if stop_signal in STOP_SIGNALS:
        return f"stopSignal {stop_signal}"
    for name in names:
        if name.startswith(PREFIX) and _variable(f"{name}="):
            return name
    return ""


def _holds_one(text: str, hints: Iterable[str]) -> bool:
    for hint in hints:  # noqa: SIM110  # `any` over a generator costs each review more
        if hint in text:
            return True
    return False


def _is_system(words: Sequence[str], at: int, added: Sequence[str]) -> bool:
    word = words[at]
    if word in SYSTEM_PATHS or (word.startswith("/") and word in added):
        return True
    name = shell.base_name(word)
    if name in SUBCOMMANDS:
        return at + 1 < len(words) and words[at + 1] in SUBCOMMANDS[name]
    known = bool(_system_name(name)) or name in added
    if not known or at == 0:
        return known
    if "/" in word:
        return bool(_system_argument(word)) or name in added
    return not words[at - 1].startswith("-") or words[at - 1] == "--"
